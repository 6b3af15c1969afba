/** Answers of the server, for tests. */

import { Deleted, Run, Snapshot, Workspace } from '../shapes';

let made = 0;

export function snapshot(values: Partial<Snapshot> = {}): Snapshot {
  const created_at = values.created_at ?? '2026-03-04T09:05:00.000Z';
  const number = (++made).toString(16).padStart(8, '0');
  return {
    snapshot_id: `${Date.parse(created_at)}-${number}`,
    worktree: 'main',
    parent_snapshot_id: null,
    created_at,
    kind: 'user',
    note: '',
    tags: [],
    refs: [],
    pins: [],
    engine: 'copy',
    consistency_level: 'quiesced',
    files: 3,
    bytes: 100,
    degraded: [],
    is_head: false,
    later: false,
    changed: null,
    run: null,
    fold: null,
    ...values
  };
}

export function deleted(values: Partial<Deleted> = {}): Deleted {
  return {
    file: 'hw1.ipynb',
    path: 'churn/main/hw1.ipynb',
    what: 'deleted',
    at: '2026-03-04T09:05:00.000Z',
    by: { kind: 'browser', snapshot_id: null, note: null },
    size: 12_000,
    versions: 1,
    source: { snapshot_id: '1772614800000-00000001' },
    in_worktree: false,
    binary: false,
    ...values
  };
}

export function workspace(
  values: Omit<Partial<Workspace>, 'can'> & { can?: Partial<Workspace['can']> } = {}
): Workspace {
  const can = {
    snapshot: true,
    restore: true,
    restore_inplace: true,
    undo: false,
    redo: false,
    lock: true,
    release: false,
    put_back: true,
    timeline: true
  };
  return {
    repo_id: 'id',
    repo_root: '/home/me/churn',
    worktree: 'main',
    worktree_root: '/home/me/churn/main',
    worktree_path: 'churn/main',
    inner_path: '',
    snapshot_engine: 'copy',
    head_snapshot_id: '1772614800000-00000001',
    lock: { worktree: 'main', state: 'free', lock: null, mine: false, kept: false },
    changes: { total: 0, truncated: false, added: [], modified: [], removed: [] },
    timeline: { state: 'saved', last_at: null, changed: 0, next_at: null, reason: null, slowed: false },
    without_lock: null,
    quota: null,
    ...values,
    can: { ...can, ...values.can }
  };
}

export function run(values: Partial<Run> = {}): Run {
  const started_at = values.started_at ?? '2026-03-04T09:05:00.000Z';
  const number = (++made).toString(16).padStart(8, '0');
  return {
    run_id: `run-${Date.parse(started_at)}-${number}`,
    notebook: 'train.ipynb',
    command: null,
    input_path: 'train.ipynb',
    output_path: 'out.ipynb',
    worktree: 'main',
    parameters: {},
    outcome: 'ok',
    error: null,
    exit_status: null,
    before_snapshot_id: '1772614800000-00000001',
    after_snapshot_id: '1772614800000-00000002',
    started_at,
    finished_at: started_at,
    duration_s: 2.4,
    metrics: {},
    outputs: ['out.ipynb'],
    outputs_total: 1,
    name: null,
    note: '',
    host: 'here',
    reproduces: null,
    work: values.notebook ?? 'train.ipynb',
    sweep: null,
    progress: null,
    live: false,
    failed_cell: null,
    ...values
  };
}
