/** Some runs beside each other: where their parameters, metrics and circumstances differ. */

import { Api, Run } from '../api';
import { shown, under } from './values';

/** A line: what is compared, and what each run has. */
export interface Line {
  kind: 'parameter' | 'metric' | 'circumstance' | 'package';
  name: string;
  /** As the records have them; undefined where one has none. */
  values: readonly unknown[];
  differs: boolean;
}

/** What the server says of two runs, beyond what their records say. */
export interface Beyond {
  circumstances?: Record<string, [unknown, unknown]>;
  packages?: Record<string, [unknown, unknown]> | null;
  added?: string[];
  modified?: string[];
  removed?: string[];
}

export type Further = { state: 'none' } | { state: 'loading' } | { state: 'failed'; error: Error } | { state: 'ready'; value: Beyond };

export class RunComparison {
  constructor(
    private readonly api: Api,
    private readonly path: string,
    /** The first one is what the others are measured against. */
    readonly runs: readonly Run[],
    private readonly changed: () => void
  ) {}

  further: Further = { state: 'none' };

  dispose(): void {
    this.disposed = true;
  }

  /** Both after-snapshots, for the compare tab; null unless these are two runs that have one. */
  get snapshots(): [string, string] | null {
    const ids = this.runs.map(run => run.after_snapshot_id);
    return ids.length === 2 && ids[0] !== null && ids[1] !== null ? [ids[0], ids[1]] : null;
  }

  get lines(): Line[] {
    const beyond = this.further.state === 'ready' ? this.further.value : {};
    const pairs = (kind: Line['kind'], found: Record<string, [unknown, unknown]> | null | undefined): Line[] =>
      Object.entries(found ?? {}).map(([name, values]) => ({ kind, name, values: values.map(asWords), differs: true }));
    return [
      ...lines('parameter', this.runs, run => run.parameters),
      ...lines('metric', this.runs, run => run.metrics),
      ...pairs('package', beyond.packages),
      ...pairs('circumstance', beyond.circumstances)
    ];
  }

  /** Ask the server for what the records do not say: only of two runs. */
  async load(): Promise<void> {
    if (this.runs.length !== 2) {
      return;
    }
    const [a, b] = this.runs.map(run => run.run_id);
    this.further = { state: 'loading' };
    try {
      const value = await this.api.get<Beyond>('runs/compare', { path: this.path, a, b });
      this.further = { state: 'ready', value };
    } catch (error) {
      this.further = { state: 'failed', error: error as Error };
    }
    if (!this.disposed) {
      this.changed();
    }
  }

  private disposed = false;
}

/** A command as one would type it. */
function asWords(value: unknown): unknown {
  return Array.isArray(value) ? value.join(' ') : value;
}

function lines(kind: Line['kind'], runs: readonly Run[], of: (run: Run) => Record<string, unknown>): Line[] {
  const names = new Set(runs.flatMap(run => Object.keys(of(run))));
  return [...names].map(name => {
    const values = runs.map(run => under(of(run), name));
    const differs = new Set(values.map(value => (value === undefined ? '' : shown(value)))).size > 1;
    return { kind, name, values, differs };
  });
}
