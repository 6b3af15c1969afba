/** The names of the commands of the Runs view. */
export const RunCommandIDs = {
  /** Open a table: a `Request`. */
  open: 'jvs-snapshots:runs-table',
  folder: 'jvs-snapshots:runs-of-folder',
  document: 'jvs-snapshots:runs-of-document',
  file: 'jvs-snapshots:runs-of-file',

  output: 'jvs-runs:open-output',
  failing: 'jvs-runs:open-failing-cell',
  changes: 'jvs-runs:what-it-changed',
  compare: 'jvs-runs:compare',
  baseline: 'jvs-runs:measure-against',
  restore: 'jvs-runs:restore-before',
  reproduce: 'jvs-runs:reproduce',
  annotate: 'jvs-runs:name-and-note',
  remove: 'jvs-runs:remove',
  cancel: 'jvs-runs:cancel'
} as const;
