/** Lines that changed, old beside new, and what changed in them. */

import { presentableDiff } from '@codemirror/merge';

import { Hunk, Line } from './difference';
import { Piece } from './tools';

/** A line on either side; `null` where there is none. Numbers count from 1. */
export interface Row {
  kind: 'same' | 'changed' | 'added' | 'removed' | 'gap';
  old: Line | null;
  new: Line | null;
  /** Ranges that changed, in characters of the line. */
  oldMarks: Range[];
  newMarks: Range[];
  /** Of a gap: how many lines are left out; null where nobody counted. */
  lines: number | null;
}

export type Range = [from: number, to: number];

/** Longer lines are not compared character by character. */
const LONGEST_COMPARED = 1_000;

/** The rows of hunks; what lies between them is a gap. `total` is the number of lines of the newer text, where that is known. */
export function rowsOf(hunks: readonly Hunk[], total: number | null = null): Row[] {
  const rows: Row[] = [];
  let next = 1;
  for (const hunk of hunks) {
    const start = hunk.new_lines === 0 ? hunk.new_start + 1 : hunk.new_start;
    if (start > next) {
      rows.push(gap(start - next));
    }
    rows.push(...rowsOfHunk(hunk));
    next = start + hunk.new_lines;
  }
  if (total !== null && hunks.length > 0 && total >= next) {
    rows.push(gap(total - next + 1));
  }
  return rows;
}

function rowsOfHunk(hunk: Hunk): Row[] {
  const rows: Row[] = [];
  let removed: Line[] = [];
  let added: Line[] = [];
  const flush = (): void => {
    for (let at = 0; at < Math.max(removed.length, added.length); at += 1) {
      rows.push(pair(removed[at] ?? null, added[at] ?? null));
    }
    removed = [];
    added = [];
  };
  for (const line of hunk.lines) {
    if (line.op === '-') {
      if (added.length) {
        flush();
      }
      removed.push(line);
    } else if (line.op === '+') {
      added.push(line);
    } else {
      flush();
      rows.push({ kind: 'same', old: line, new: line, oldMarks: [], newMarks: [], lines: null });
    }
  }
  flush();
  return rows;
}

function pair(old: Line | null, now: Line | null): Row {
  if (old === null || now === null) {
    return { kind: old ? 'removed' : 'added', old, new: now, oldMarks: [], newMarks: [], lines: null };
  }
  const { oldMarks, newMarks } = marksOf(old.text, now.text);
  return { kind: 'changed', old, new: now, oldMarks, newMarks, lines: null };
}

/** What changed in a line: nothing where it became another one. */
function marksOf(old: string, now: string): { oldMarks: Range[]; newMarks: Range[] } {
  if (old.length > LONGEST_COMPARED || now.length > LONGEST_COMPARED) {
    return { oldMarks: [], newMarks: [] };
  }
  const changes = presentableDiff(old, now, { scanLimit: 200 });
  const oldMarks = changes.map(change => [change.fromA, change.toA] as Range).filter(isSome);
  const newMarks = changes.map(change => [change.fromB, change.toB] as Range).filter(isSome);
  const kept = old.length - oldMarks.reduce((sum, [from, to]) => sum + to - from, 0);
  return kept * 3 < Math.min(old.length, now.length) ? { oldMarks: [], newMarks: [] } : { oldMarks, newMarks };
}

function isSome([from, to]: Range): boolean {
  return to > from;
}

function gap(lines: number): Row {
  return { kind: 'gap', old: null, new: null, oldMarks: [], newMarks: [], lines };
}

/** The pieces of a line, cut where what is marked begins and ends. */
export function cut(pieces: readonly Piece[], marks: readonly Range[]): (Piece & { marked: boolean })[] {
  const parts: (Piece & { marked: boolean })[] = [];
  let at = 0;
  for (const { text, className } of pieces) {
    const end = at + text.length;
    const edges = marks.flat().filter(edge => edge > at && edge < end);
    let from = at;
    for (const to of [...edges, end]) {
      const marked = marks.some(([start, stop]) => from >= start && to <= stop);
      parts.push({ text: text.slice(from - at, to - at), className, marked });
      from = to;
    }
    at = end;
  }
  return parts;
}
