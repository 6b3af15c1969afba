/** The shapes of the REST API, as its OpenAPI file describes them. */

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface ErrorObject {
  code: string;
  message: string;
  hint: string | null;
}

export interface Change {
  path: string;
  change: 'added' | 'modified' | 'removed';
}

/** One snapshot, as the timeline lists it. */
export interface Snapshot {
  snapshot_id: string;
  worktree: string;
  parent_snapshot_id: string | null;
  created_at: string;
  /** Why it was made; absent where it is older than kinds. */
  kind?: string;
  note: string;
  tags: string[];
  refs: string[];
  /** Ids of pins. */
  pins: string[];
  engine: string;
  consistency_level: 'quiesced' | 'best_effort';
  files: number;
  bytes: number;
  degraded: string[];
  expired?: boolean;
  /** The worktree stands here. */
  is_head: boolean;
  /** It did not lead to where the worktree stands. */
  later: boolean;
  /** Against the one before; null where nobody can say any more. */
  changed: { total: number; paths: Change[] } | null;
  run: { run_id: string; outcome: string; metrics: Record<string, unknown> } | null;
  /** Rows with the same one are one action. */
  fold: { id: string; kind: 'run' | 'cell' | 'restore' } | null;
}

export interface LockRecord {
  holder_id: string;
  session_id: string;
  purpose: string;
  acquired_at: string;
  lease_expires_at: string;
}

export interface Lock {
  worktree: string;
  state: 'free' | 'held' | 'expired';
  lock: LockRecord | null;
  /** The server's session holds it: this server, its kernels and its terminals. */
  mine: boolean;
  /** The server renews it until it is given back. */
  kept: boolean;
}

/** How the automatic history stands. */
export interface TimelineState {
  state: 'saved' | 'changed' | 'paused' | 'off';
  last_at: string | null;
  changed: number;
  next_at: string | null;
  reason: ErrorObject | null;
  /** Snapshots are made more seldom than configured. */
  slowed: boolean;
}

export interface Workspace {
  repo_id: string;
  /** Absolute. */
  repo_root: string;
  worktree: string;
  /** Absolute. */
  worktree_root: string;
  /** The worktree's folder in the contents API's sense; null when it lies outside the server's root. */
  worktree_path: string | null;
  /** The path asked about, inside the worktree; '' is its top. */
  inner_path: string;
  snapshot_engine: string;
  head_snapshot_id: string | null;
  lock: Lock;
  changes: { total: number; truncated: boolean; added: string[]; modified: string[]; removed: string[] };
  can: Record<
    'snapshot' | 'restore' | 'restore_inplace' | 'undo' | 'redo' | 'lock' | 'release' | 'put_back' | 'timeline',
    boolean
  >;
  timeline: TimelineState;
  /** Why the server works without the worktree's lock; null where it has it. */
  without_lock: ErrorObject | null;
  quota: { used: number; limit: number } | null;
}

export interface Run {
  run_id: string;
  notebook: string | null;
  /** Its words, where it is no notebook. */
  command: string[] | null;
  input_path: string | null;
  output_path: string | null;
  worktree: string;
  parameters: Record<string, unknown>;
  /** `started` while it is under way. */
  outcome: string;
  error: string | null;
  exit_status: number | null;
  before_snapshot_id: string | null;
  after_snapshot_id: string | null;
  started_at: string;
  finished_at: string | null;
  duration_s: number | null;
  metrics: Record<string, unknown>;
  outputs: string[] | null;
  outputs_total: number | null;
  name: string | null;
  note: string;
  host: string;
  reproduces: string | null;
  verdict?: string | null;
  /** The notebook, or the command; of a sweep's command the words with their `{name}`. */
  work: string;
  /** What the runs of one sweep share. */
  sweep: string | null;
  /** How far it is; null where nobody can say. */
  progress?: RunProgress | null;
  /** It is under way, and its process is there. */
  live?: boolean;
  failed_cell?: { index: number; id: string | null } | null;
}

export interface RunProgress {
  cell: number | null;
  cells: number | null;
  metrics: Record<string, unknown>;
  updated_at: string;
}

export interface RunPage extends Page<Run> {
  total: number;
  unreadable: string[];
}

/** A notebook or a command that was run. */
export interface RunWork {
  work: string;
  kind: 'notebook' | 'command';
  runs: number;
  last_started_at: string;
}

export interface FileEntry {
  path: string;
  type: 'file' | 'directory' | 'symlink' | 'fifo';
  size: number;
  target?: string;
}

export interface ComparisonPage extends Page<Change> {
  counts: Record<Change['change'], number>;
}

/** What holds a version of a file: a snapshot, or a copy that was kept before the file was deleted or overwritten. */
export type Source = { snapshot_id: string } | { copy_id: string };

/** A file that was deleted or overwritten. */
export interface Deleted {
  /** Its path inside the worktree. */
  file: string;
  path: string | null;
  what: 'deleted' | 'overwritten' | 'gone';
  at: string;
  by: { kind: 'browser' | 'terminal' | 'snapshot' | 'restore'; snapshot_id: string | null; note: string | null };
  size: number;
  versions: number;
  source: Source;
  /** Something of that name is there now. */
  in_worktree: boolean;
  binary: boolean;
}

export interface PutBack {
  /** Where it is now, inside the worktree. */
  file: string;
  path: string | null;
  snapshot_id: string | null;
  renamed: boolean;
}

export interface Worktree {
  name: string;
  path: string;
  contents_path: string | null;
  head_snapshot_id: string | null;
  base_snapshot_id: string | null;
  lock_state: Lock['state'];
  created_at: string;
  base_note: string | null;
  /** Paths changed since its head; null where the server did not look. */
  changed: number | null;
}

export interface Restored {
  snapshot_id: string;
  worktree: string;
  path: string;
  contents_path: string | null;
}

export interface RestoredInPlace extends Restored {
  pre_restore_snapshot_id: string | null;
  added: string[];
  modified: string[];
  removed: string[];
  truncated?: boolean;
}

/** What keeping a history of a folder takes. */
export interface Adoption {
  path: string;
  files: number;
  bytes: number;
  space: number;
  /** `copy`: only a copy can get a history; null: neither. */
  how: 'rename' | 'copy' | null;
  reason: ErrorObject | null;
  heavy: { path: string; files: number; bytes: number }[];
  /** All was counted; else there is more. */
  complete: boolean;
  repo_path: string | null;
}

export interface Initialized {
  repo_root: string;
  main_path: string;
  contents_path: string | null;
}

export interface Operation<R = unknown> {
  id: string;
  kind: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  progress: { step: string; done: number; total: number | null } | null;
  result: R | null;
  error: ErrorObject | null;
  repo_id: string | null;
  worktree: string | null;
}
