/** The rows of the table: runs, and headings where the runs of a sweep stand together. */

import { TranslationBundle } from '@jupyterlab/translation';

import { moment } from '../format';
import { Run } from '../shapes';

export type Row =
  | { kind: 'run'; key: string; run: Run; inner: boolean }
  | { kind: 'sweep'; key: string; text: string };

export function rowsOf(runs: readonly Run[], grouped: boolean, hasMore: boolean, trans: TranslationBundle): Row[] {
  const rows: Row[] = [];
  let sweep: string | null = null;
  runs.forEach((run, at) => {
    if (grouped && run.sweep !== sweep) {
      sweep = run.sweep;
      if (sweep !== null) {
        rows.push({ kind: 'sweep', key: `sweep ${sweep} ${at}`, text: heading(runs, at, hasMore, trans) });
      } else if (rows.length > 0) {
        rows.push({ kind: 'sweep', key: `single ${at}`, text: trans.__('Single runs') });
      }
    }
    rows.push({ kind: 'run', key: run.run_id, run, inner: grouped && run.sweep !== null });
  });
  return rows;
}

/** What a sweep is called: what was run, how often, since when. */
function heading(runs: readonly Run[], at: number, hasMore: boolean, trans: TranslationBundle): string {
  const { sweep, work } = runs[at];
  let end = at;
  let first = runs[at].started_at;
  for (; end < runs.length && runs[end].sweep === sweep; end += 1) {
    first = runs[end].started_at < first ? runs[end].started_at : first;
  }
  const count = end - at;
  const counted =
    hasMore && end === runs.length
      ? trans.__('%1 runs or more', count)
      : trans._n('%1 run', '%1 runs', count);
  return trans.__('Sweep of %1 · %2 · %3', work, counted, moment(first));
}
