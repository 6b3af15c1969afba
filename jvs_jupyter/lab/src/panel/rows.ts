/** The rows of the timeline: days, snapshots, and what is folded into one row. */

import { TranslationBundle } from '@jupyterlab/translation';

import { clock, day } from '../format';
import { Snapshot } from '../shapes';

export type Row =
  | { kind: 'day'; key: string; text: string }
  /** Automatic snapshots in a row, newest first. */
  | { kind: 'automatic'; key: string; items: readonly Snapshot[]; open: boolean; span: string }
  | {
      kind: 'snapshot';
      key: string;
      item: Snapshot;
      /** What else the same run, cell or restore made, newest first; empty for most. */
      others: readonly Snapshot[];
      open: boolean;
      /** It stands below the row that it belongs to. */
      inner: boolean;
    };

/** Fewer automatic snapshots than this are shown as they are. */
const FEWEST = 2;

type Group = { kind: 'automatic' | 'one' | 'action'; items: Snapshot[] };

/**
 * The rows for snapshots that are ordered newest first. `open` has the keys of the rows that a person unfolded.
 *
 * What a person made, named, pinned or stands at is never folded among automatic ones.
 */
export function rowsOf(
  snapshots: readonly Snapshot[],
  open: ReadonlySet<string>,
  now: number,
  trans: TranslationBundle
): Row[] {
  const rows: Row[] = [];
  let today = '';
  for (const group of grouped(snapshots)) {
    const [newest] = group.items;
    const heading = day(newest.created_at, now, trans);
    if (heading !== today) {
      today = heading;
      rows.push({ kind: 'day', key: `day ${newest.snapshot_id}`, text: heading });
    }
    rows.push(...rowsOfGroup(group, open));
  }
  return rows;
}

function rowsOfGroup(group: Group, open: ReadonlySet<string>): Row[] {
  const { items } = group;
  const oldest = items[items.length - 1];
  const inner = (item: Snapshot): Row => plain(item, true);
  if (group.kind === 'automatic' && items.length >= FEWEST) {
    const key = `automatic ${oldest.snapshot_id}`;
    const [from, to] = [clock(oldest.created_at), clock(items[0].created_at)];
    const span = from === to ? from : `${from} – ${to}`;
    const isOpen = open.has(key);
    return [{ kind: 'automatic', key, items, open: isOpen, span }, ...(isOpen ? items.map(inner) : [])];
  }
  if (group.kind === 'action' && items.length > 1) {
    const [newest, ...others] = items;
    const row: Row = { ...plain(newest, false), others, open: open.has(newest.snapshot_id) };
    return [row, ...(row.open ? others.map(inner) : [])];
  }
  return items.map(item => plain(item, false));
}

function plain(item: Snapshot, inner: boolean): Row & { kind: 'snapshot' } {
  return { kind: 'snapshot', key: item.snapshot_id, item, others: [], open: false, inner };
}

function grouped(snapshots: readonly Snapshot[]): Group[] {
  const groups: Group[] = [];
  for (const item of snapshots) {
    const last = groups[groups.length - 1];
    if (last && belongs(item, last)) {
      last.items.push(item);
    } else {
      groups.push({ kind: item.fold ? 'action' : isPlainlyAutomatic(item) ? 'automatic' : 'one', items: [item] });
    }
  }
  return groups;
}

function belongs(item: Snapshot, group: Group): boolean {
  const [first] = group.items;
  switch (group.kind) {
    case 'action':
      return item.fold?.id === first.fold?.id;
    case 'automatic':
      return isPlainlyAutomatic(item) && item.later === first.later && sameDay(item, first);
    default:
      return false;
  }
}

/** Nobody asked for it, and nothing marks it out. */
function isPlainlyAutomatic(item: Snapshot): boolean {
  const marked = item.is_head || item.refs.length + item.tags.length + item.pins.length > 0;
  return item.kind === 'auto' && item.fold === null && !marked;
}

function sameDay(one: Snapshot, other: Snapshot): boolean {
  return new Date(one.created_at).toDateString() === new Date(other.created_at).toDateString();
}
