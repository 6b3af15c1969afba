/** Which columns the table has. */

import { Run } from '../shapes';
import { plain } from './values';

export type Kind = 'when' | 'name' | 'work' | 'parameter' | 'metric' | 'time';

export interface Column {
  kind: Kind;
  /** Of a parameter or metric. */
  name: string;
  /** Tells it from the others, also in what is kept. */
  key: string;
  /** What the server sorts by. */
  sort: string;
  isNumeric: boolean;
  /** In CSS pixels. */
  width: number;
}

/** Wide tables are unreadable: further columns are offered, and not shown unasked. */
export const MOST_UNASKED = 12;
const CHARACTER = 7.5;

/** All columns that the runs have something in, in the order in which they are shown. */
export function columnsOf(runs: readonly Run[], withWork: boolean): Column[] {
  const fixed = (kind: Kind, sort: string, width: number, isNumeric = false): Column => ({
    kind,
    name: '',
    key: kind,
    sort,
    width,
    isNumeric
  });
  return [
    fixed('when', 'started_at', runs.some(run => !isToday(run.started_at)) ? 164 : 108),
    ...(runs.some(run => run.name) ? [fixed('name', 'name', 110)] : []),
    ...(withWork ? [fixed('work', 'work', 190)] : []),
    ...named('parameter', runs, run => run.parameters),
    ...named('metric', runs, run => run.metrics),
    fixed('time', 'duration_s', 76, true)
  ];
}

/** The columns to be shown: those not hidden, and of very many the first ones and those asked for. */
export function visible(columns: readonly Column[], choice: Readonly<Record<string, boolean>>): Column[] {
  let left = MOST_UNASKED;
  return columns.filter(column => {
    const isVaried = column.kind === 'parameter' || column.kind === 'metric';
    return choice[column.key] ?? (!isVaried || left-- > 0);
  });
}

function isToday(iso: string): boolean {
  return new Date(iso).toDateString() === new Date().toDateString();
}

function named(kind: 'parameter' | 'metric', runs: readonly Run[], of: (run: Run) => Record<string, unknown>): Column[] {
  const found = new Map<string, { widest: number; isNumeric: boolean }>();
  for (const run of runs) {
    for (const [name, value] of Object.entries(of(run) ?? {})) {
      const known = found.get(name) ?? { widest: 0, isNumeric: true };
      const isNumber = typeof plain(value) === 'number';
      known.widest = Math.max(known.widest, isNumber ? 7 : String(plain(value)).length);
      known.isNumeric &&= isNumber;
      found.set(name, known);
    }
  }
  return [...found].map(([name, { widest, isNumeric }]) => {
    const characters = Math.max(name.length + 2, kind === 'metric' ? widest + 9 : widest);
    return {
      kind,
      name,
      key: `${kind}s.${name}`,
      sort: `${kind}s.${name}`,
      isNumeric,
      width: Math.round(Math.min(220, Math.max(64, characters * CHARACTER + 22)))
    };
  });
}
