/** The shapes of a difference, as docs/reference/difference.schema.json describes them. Rows and cells count from 0, lines from 1. */

export type Group = 'notebooks' | 'code' | 'data' | 'figures' | 'models' | 'other';
export type ChangeKind = 'added' | 'modified' | 'removed' | 'renamed';

/** What stood, or stands, at a path. */
export interface Side {
  type: 'file' | 'directory' | 'symlink' | 'fifo';
  size: number;
  mode: string;
  sha256: string | null;
}

export interface Line {
  op: ' ' | '-' | '+';
  text: string;
  old: number | null;
  new: number | null;
  cut: boolean;
}

export interface Hunk {
  old_start: number;
  old_lines: number;
  new_start: number;
  new_lines: number;
  lines: Line[];
}

export interface TextDetail {
  kind: 'text';
  language: string;
  added: number;
  removed: number;
  hunks: Hunk[];
  line_ends: [string, string] | null;
  no_newline: ('old' | 'new')[];
}

export interface ImageFacts {
  format: string;
  width: number;
  height: number;
  mode: string;
}

export interface ImageDetail {
  kind: 'image';
  old: ImageFacts | null;
  new: ImageFacts | null;
  pixels: 'same' | 'differ' | 'unknown';
  share: number | null;
  box: [number, number, number, number] | null;
}

export interface FieldChange {
  name: string;
  old: string | null;
  new: string | null;
}

export interface MimeChange {
  mime: string;
  change: 'added' | 'removed' | 'changed';
  old_size: number | null;
  new_size: number | null;
  hunks: Hunk[] | null;
  image: ImageDetail | null;
}

export interface OutputChange {
  change: 'added' | 'removed' | 'changed';
  type: string;
  old_index: number | null;
  new_index: number | null;
  mimes: MimeChange[];
}

/** One cell, or `count` cells in a row that did not change, from these indices on. */
export interface CellChange {
  change: 'same' | 'added' | 'removed' | 'changed';
  moved: boolean;
  count: number;
  old_index: number | null;
  new_index: number | null;
  cell_type: string;
  old_cell_type: string | null;
  cell_id: string | null;
  old_source: string | null;
  new_source: string | null;
  hunks: Hunk[];
  outputs: OutputChange[];
  metadata: FieldChange[];
  attachments: MimeChange[];
  execution: [number | null, number | null] | null;
}

export interface NotebookDetail {
  kind: 'notebook';
  formats: [string | null, string | null];
  language: string;
  old_cells: number;
  new_cells: number;
  counts: { added: number; removed: number; edited: number; moved: number; outputs: number };
  cells: CellChange[];
  metadata: FieldChange[];
}

export interface ColumnChange {
  name: string;
  change: 'same' | 'added' | 'removed' | 'type';
  old_type: string | null;
  new_type: string | null;
}

export interface RowChange {
  change: 'added' | 'removed' | 'changed';
  old_row: number | null;
  new_row: number | null;
  old: (string | null)[] | null;
  new: (string | null)[] | null;
  /** Columns that changed. */
  differing: number[];
}

export interface TableDetail {
  kind: 'table';
  format: 'csv' | 'tsv' | 'parquet';
  old_shape: [number, number] | null;
  new_shape: [number, number] | null;
  columns: ColumnChange[];
  rows: RowChange[];
  rows_added: number;
  rows_removed: number;
  rows_changed: number;
  /** The counts are no estimates. */
  exact: boolean;
  reordered: boolean;
}

export interface TensorFacts {
  dtype: string;
  shape: number[];
  bytes: number | null;
}

export interface TensorChange {
  name: string;
  change: 'added' | 'removed' | 'shape' | 'values';
  old: TensorFacts | null;
  new: TensorFacts | null;
}

export interface ModelDetail {
  kind: 'model';
  format: string;
  old_tensors: number;
  new_tensors: number;
  tensors: TensorChange[];
  facts: FieldChange[];
  values_compared: boolean;
}

export interface MemberChange {
  path: string;
  change: 'added' | 'removed' | 'changed';
  old_size: number | null;
  new_size: number | null;
}

export interface ArchiveDetail {
  kind: 'archive';
  format: 'zip' | 'tar';
  old_members: number;
  new_members: number;
  members: MemberChange[];
  contents_compared: boolean;
}

export interface LinkDetail {
  kind: 'link';
  old_target: string | null;
  new_target: string | null;
}

export interface BinaryDetail {
  kind: 'binary';
}

export type Detail =
  | NotebookDetail
  | TextDetail
  | TableDetail
  | ImageDetail
  | ModelDetail
  | ArchiveDetail
  | LinkDetail
  | BinaryDetail;

/** One path that differs; `detail` is null where nobody asked, or the content is the same. */
export interface Difference {
  path: string;
  old_path: string | null;
  change: ChangeKind;
  kind: string;
  group: Group;
  /** A program makes it again by itself. */
  cache: boolean;
  old: Side | null;
  new: Side | null;
  words: string;
  detail: Detail | null;
  /** What was left out because of a bound, in sentences. */
  stopped: string[];
  /** What a further library would show. */
  more: { extra: string; words: string } | null;
}

/** All paths that differ between two times. */
export interface Differences {
  from: string;
  to: string;
  added: string[];
  modified: string[];
  removed: string[];
  renamed: { from: string; to: string }[];
  caches: string[];
  changes: Difference[] | null;
  left_out: number;
  stopped: string[];
}
