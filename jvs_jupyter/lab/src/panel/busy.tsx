/** The work under way, with its progress, and how to stop it. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement } from 'react';

import { useDesk } from './desk';

export function Busy(): ReactElement | null {
  const { model, actions, trans } = useDesk();
  const { current } = model.operations;
  if (current === null) {
    return null;
  }
  const { progress } = current;
  const label = work(current.kind, trans);
  return (
    <div className="jvs-Busy" role="status">
      <span title={progress?.step}>{label}</span>
      <progress
        aria-label={label}
        max={progress?.total ?? undefined}
        value={progress?.total ? progress.done : undefined}
      />
      <button onClick={() => void actions.bench.attempt(() => model.operations.cancel())}>
        {trans.__('Cancel')}
      </button>
    </div>
  );
}

function work(kind: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    init: trans.__('Starting a history…'),
    adopt: trans.__('Starting a history…'),
    snapshot: trans.__('Taking a snapshot…'),
    restore: trans.__('Restoring…'),
    restore_inplace: trans.__('Going back…'),
    restore_path: trans.__('Restoring…'),
    put_back: trans.__('Putting back…'),
    undo: trans.__('Undoing…'),
    redo: trans.__('Redoing…')
  };
  return words[kind] ?? trans.__('Working…');
}
