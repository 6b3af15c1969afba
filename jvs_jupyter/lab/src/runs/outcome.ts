/** What became of a run, in a mark and in words. */

import { TranslationBundle } from '@jupyterlab/translation';

import { baseName, shortId } from '../format';
import { Run } from '../shapes';
import { shown } from './values';

/** The most metrics that a run under way tells in its row. */
const MOST_METRICS = 3;

export function isUnderWay(run: Run): boolean {
  return run.outcome === 'started' || (run.outcome ?? null) === null;
}

export function hasFailed(run: Run): boolean {
  return !isUnderWay(run) && run.outcome !== 'ok';
}

/** Failed in a cell that can be shown. */
export function hasFailedCell(run: Run): boolean {
  return run.outcome === 'cell_error' && run.output_path !== null;
}

export function markOf(run: Run): string {
  return isUnderWay(run) ? '…' : run.outcome === 'ok' ? '✔' : '✖';
}

export function outcomeOf(run: Run, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    ok: trans.__('ok'),
    started: trans.__('running'),
    cell_error: trans.__('a cell failed'),
    kernel_died: trans.__('the kernel died'),
    early_exit: trans.__('ended early'),
    failed: trans.__('failed'),
    killed: trans.__('killed'),
    interrupted: trans.__('interrupted'),
    terminated: trans.__('terminated'),
    lost: trans.__('lost')
  };
  return words[run.outcome] ?? run.outcome ?? words.started;
}

/** What went wrong, in one line. */
export function failure(run: Run, trans: TranslationBundle): string {
  const lines = (run.error ?? '').split('\n').map(line => line.trim());
  const line = lines.find(text => text !== '') ?? '';
  const isTold = /^cell \d+\b/.test(line);
  const cell = run.failed_cell && !isTold ? trans.__('cell %1: ', run.failed_cell.index + 1) : '';
  const status = run.exit_status ? trans.__('exit status %1', run.exit_status) : '';
  return cell + (line || [outcomeOf(run, trans), status].filter(Boolean).join(', '));
}

/** How far a run is. */
export function soFar(run: Run, trans: TranslationBundle): string {
  const { progress } = run;
  if (run.live === false) {
    return trans.__('its process is gone');
  }
  const cell = progress?.cell && progress.cells ? trans.__('cell %1 of %2', progress.cell, progress.cells) : '';
  const metrics = Object.entries(progress?.metrics ?? {})
    .slice(0, MOST_METRICS)
    .map(([name, value]) => trans.__('%1 so far %2', name, shown(value)));
  return [cell, ...metrics].filter(Boolean).join(' · ') || trans.__('running');
}

/** What people call a run: of a script its words, without the interpreter. */
export function nameOf(run: Run): string {
  const [program, ...words] = run.command ?? [];
  const isPython = words.length > 0 && /^python[\d.]*$/.test(baseName(program));
  const command = isPython ? words : (run.command ?? []);
  return run.name || baseName(run.notebook ?? '') || command.join(' ') || shortId(run.run_id);
}
