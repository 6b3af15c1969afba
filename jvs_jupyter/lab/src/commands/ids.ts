/** The names of all commands. */

export const CommandIDs = {
  show: 'jvs:show-panel',
  timeline: 'jvs:show-timeline',
  deleted: 'jvs:show-deleted',
  runs: 'jvs:show-runs',
  worktrees: 'jvs:show-worktrees',
  snapshot: 'jvs:take-snapshot',
  snapshotWithNote: 'jvs:take-snapshot-with-note',
  compareWithLast: 'jvs:compare-with-last',
  undo: 'jvs:undo',
  redo: 'jvs:redo',
  refresh: 'jvs:refresh',
  keepHistory: 'jvs:keep-history',
  automatic: 'jvs:automatic-history',
  lock: 'jvs:keep-locked',
  release: 'jvs:give-lock-back',
  everywhere: 'jvs:all-folders',

  fileHistory: 'jvs:file-history',
  restoreFile: 'jvs:restore-file',
  deletedHere: 'jvs:deleted-here',

  compare: 'jvs:snapshot-compare',
  compareWith: 'jvs:snapshot-compare-with',
  files: 'jvs:snapshot-files',
  toFolder: 'jvs:snapshot-to-folder',
  goBack: 'jvs:snapshot-go-back',
  edit: 'jvs:snapshot-edit',
  name: 'jvs:snapshot-name',
  pin: 'jvs:snapshot-pin',
  unpin: 'jvs:snapshot-unpin',
  copyId: 'jvs:snapshot-copy-id',

  putBack: 'jvs:deleted-put-back',
  putBackTo: 'jvs:deleted-put-back-as',
  openDeleted: 'jvs:deleted-open',
  compareDeleted: 'jvs:deleted-compare',
  downloadDeleted: 'jvs:deleted-download',

  runTable: 'jvs:run-show-in-table',
  runCompare: 'jvs:run-compare',
  runBefore: 'jvs:run-go-back-before',
  runOpen: 'jvs:run-open-output',

  worktreeOpen: 'jvs:worktree-open',
  worktreeRename: 'jvs:worktree-rename',
  worktreeRemove: 'jvs:worktree-remove'
} as const;
