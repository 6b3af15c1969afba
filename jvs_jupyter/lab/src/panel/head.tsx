/** The top of the timeline: whose history it is, what changed, and taking a snapshot. */

import { ellipsesIcon, redoIcon, undoIcon } from '@jupyterlab/ui-components';
import { KeyboardEvent, ReactElement, useState } from 'react';

import { folderName, moment } from '../format';
import { Workspace } from '../shapes';
import { historyWords } from '../status_words';
import { openMenu } from '../virtual';
import { useDesk, useNow } from './desk';

export const NOTE_FIELD = 'jvs-note';

export function Head(props: { workspace: Workspace }): ReactElement {
  const { model, actions, trans } = useDesk();
  const now = useNow();
  const { workspace } = props;
  const { can, changes, head_snapshot_id } = workspace;
  const busy = model.operations.current !== null;
  const words = historyWords(workspace, now, trans);
  return (
    <header className="jvs-Head">
      <div className="jvs-Head-title">
        <strong title={workspace.worktree_root}>{folderName(workspace)}</strong>
        <span className="jvs-Dim"> · {workspace.worktree}</span>
        <span className="jvs-Spring" />
        {changes.total > 0 && head_snapshot_id !== null && (
          <button
            className="jvs-Link"
            title={trans.__('Compare with the last snapshot')}
            onClick={() => void actions.viewing.compare(head_snapshot_id, null)}
          >
            {trans.__('%1 changed', changes.total)}
          </button>
        )}
        <IconButton label={trans.__('Undo the last restore')} icon={undoIcon} shown={can.undo} busy={busy}
          act={() => void actions.restores.undo()} />
        <IconButton label={trans.__('Redo')} icon={redoIcon} shown={can.redo} busy={busy}
          act={() => void actions.restores.redo()} />
        <button
          className="jvs-Icon"
          aria-label={trans.__('More about this history')}
          aria-haspopup="menu"
          title={trans.__('More')}
          onClick={event => openMenu(event.currentTarget)}
        >
          <ellipsesIcon.react tag="span" />
        </button>
      </div>
      <p className="jvs-Words" data-mark={words.mark} role="status" title={words.title}>
        {words.sign} {words.short}
      </p>
      <LockLine workspace={workspace} />
      <QuickSnapshot enabled={can.snapshot && !busy} />
    </header>
  );
}

function QuickSnapshot(props: { enabled: boolean }): ReactElement {
  const { actions, trans } = useDesk();
  const [note, setNote] = useState('');
  const take = (): void => {
    setNote('');
    void actions.snapshots.take(note.trim());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && props.enabled) {
      take();
      event.preventDefault();
    }
  };
  return (
    <div className="jvs-Quick">
      <button
        className="jp-mod-styled jp-mod-accept"
        disabled={!props.enabled}
        title={trans.__('Keep everything here as it is now (Ctrl+Alt+S)')}
        onClick={take}
      >
        {trans.__('Snapshot')}
      </button>
      <input
        id={NOTE_FIELD}
        className="jp-mod-styled"
        aria-label={trans.__('Note of the snapshot')}
        placeholder={trans.__('note (optional)')}
        value={note}
        onChange={event => setNote(event.target.value)}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

/** Whoever else is changing the worktree. */
function LockLine(props: { workspace: Workspace }): ReactElement | null {
  const { actions, trans } = useDesk();
  const { lock, can } = props.workspace;
  if (lock.state !== 'held' || !lock.lock || (lock.mine && !lock.kept)) {
    return null;
  }
  if (lock.mine) {
    return (
      <p className="jvs-Lock">
        {trans.__('Kept locked for this server')}
        {can.release && <button onClick={() => void actions.folders.release()}>{trans.__('Release')}</button>}
      </p>
    );
  }
  const { holder_id, acquired_at, purpose } = lock.lock;
  const [user, host] = holder_id.split(/[@:/ ]/);
  const words = host
    ? trans.__('Being changed by %1 on %2 since %3', user, host, moment(acquired_at))
    : trans.__('Being changed by %1 since %2', holder_id, moment(acquired_at));
  return (
    <p className="jvs-Lock" data-mark="warning" role="status" title={holder_id}>
      {purpose ? `${words} (${purpose})` : words}
    </p>
  );
}

function IconButton(props: {
  label: string;
  icon: typeof undoIcon;
  shown: boolean;
  busy: boolean;
  act: () => void;
}): ReactElement | null {
  return props.shown ? (
    <button className="jvs-Icon" aria-label={props.label} title={props.label} disabled={props.busy} onClick={props.act}>
      <props.icon.react tag="span" />
    </button>
  ) : null;
}
