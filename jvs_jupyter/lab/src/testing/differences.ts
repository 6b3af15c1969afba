/** Differences, for tests. */

import { CellChange, Difference, Differences, Hunk, NotebookDetail, RowChange, TableDetail } from '../compare/difference';

export function difference(values: Partial<Difference> = {}): Difference {
  return {
    path: 'train.ipynb',
    old_path: null,
    change: 'modified',
    kind: 'notebook',
    group: 'notebooks',
    cache: false,
    old: { type: 'file', size: 100, mode: '0644', sha256: 'a'.repeat(64) },
    new: { type: 'file', size: 120, mode: '0644', sha256: 'b'.repeat(64) },
    words: '2 cells',
    detail: null,
    stopped: [],
    more: null,
    ...values
  };
}

export function differences(changes: Difference[]): Differences {
  return {
    from: '1772614800000-00000001',
    to: 'main',
    added: [],
    modified: changes.map(change => change.path),
    removed: [],
    renamed: [],
    caches: [],
    changes,
    left_out: 0,
    stopped: []
  };
}

export function cell(values: Partial<CellChange> = {}): CellChange {
  return {
    change: 'changed',
    moved: false,
    count: 1,
    old_index: 0,
    new_index: 0,
    cell_type: 'code',
    old_cell_type: null,
    cell_id: null,
    old_source: 'a = 1',
    new_source: 'a = 2',
    hunks: [hunk('-a = 1', '+a = 2')],
    outputs: [],
    metadata: [],
    attachments: [],
    execution: null,
    ...values
  };
}

export function notebook(cells: CellChange[], counts: Partial<NotebookDetail['counts']> = {}): NotebookDetail {
  return {
    kind: 'notebook',
    formats: ['4.5', '4.5'],
    language: 'python',
    old_cells: cells.length,
    new_cells: cells.length,
    counts: { added: 0, removed: 0, edited: 0, moved: 0, outputs: 0, ...counts },
    cells,
    metadata: []
  };
}

/** A hunk from lines with their signs, from line `start` on in both texts. */
export function hunk(...lines: (string | number)[]): Hunk {
  const start = typeof lines[0] === 'number' ? (lines.shift() as number) : 1;
  let old = start;
  let now = start;
  const made = (lines as string[]).map(line => {
    const op = line[0] as ' ' | '-' | '+';
    return { op, text: line.slice(1), old: op === '+' ? null : old++, new: op === '-' ? null : now++, cut: false };
  });
  return { old_start: start, old_lines: old - start, new_start: start, new_lines: now - start, lines: made };
}

export function table(rows: RowChange[], values: Partial<TableDetail> = {}): TableDetail {
  return {
    kind: 'table',
    format: 'csv',
    old_shape: [60, 2],
    new_shape: [60, 2],
    columns: [
      { name: 'id', change: 'same', old_type: null, new_type: null },
      { name: 'spend', change: 'same', old_type: null, new_type: null }
    ],
    rows,
    rows_added: 0,
    rows_removed: 0,
    rows_changed: rows.length,
    exact: true,
    reordered: false,
    ...values
  };
}
