/** The Snapshots panel of the left sidebar. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { ReactElement, useState } from 'react';

import { Actions } from './actions';
import { JvsError, Workspace } from './api';
import { Details } from './details';
import { moment, shortId } from './format';
import { snapshotsIcon } from './icon';
import { WorkspaceModel } from './model';
import { Timeline } from './timeline';

export const PANEL_ID = 'jvs-snapshots';

export class SnapshotsPanel extends ReactWidget {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly actions: Actions,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = PANEL_ID;
    this.addClass('jvs-Panel');
    this.title.icon = snapshotsIcon;
    this.title.caption = trans.__('Snapshots');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Snapshots'));
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.model.visible = true;
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.model.visible = false;
  }

  protected render(): ReactElement {
    return (
      <UseSignal signal={this.model.changed}>
        {() => <Content model={this.model} actions={this.actions} trans={this.trans} />}
      </UseSignal>
    );
  }
}

interface Props {
  model: WorkspaceModel;
  actions: Actions;
  trans: TranslationBundle;
}

function Content(props: Props): ReactElement {
  const { model, trans } = props;
  const [selected, setSelected] = useState<string | null>(null);
  const [filter, setFilter] = useState('');
  const { workspace } = model;
  const chosen = model.snapshots.find(item => item.snapshot_id === selected);
  return (
    <>
      <Said {...props} />
      {model.unreachable && (
        <p className="jvs-Error" role="alert">
          {trans.__('The Snapshots of this server do not answer: %1', model.unreachable.message)}
        </p>
      )}
      {workspace ? (
        <>
          <Head {...props} workspace={workspace} />
          <div className="jvs-Filter">
            <input
              className="jp-mod-styled"
              type="search"
              placeholder={trans.__('Filter by note, tag or name')}
              aria-label={trans.__('Filter snapshots')}
              value={filter}
              onChange={event => setFilter(event.target.value)}
            />
            <label title={trans.__('Snapshots of all worktrees, also those that restores left behind')}>
              <input
                type="checkbox"
                checked={model.everything}
                onChange={event => void model.showEverything(event.target.checked)}
              />
              {trans.__('all')}
            </label>
          </div>
          {model.file !== null && (
            <p className="jvs-Notice">
              {trans.__('History of %1', model.file)}{' '}
              <button onClick={() => void model.showFile(null)}>{trans.__('show all')}</button>
            </p>
          )}
          <Timeline
            snapshots={model.snapshots}
            runs={model.runs}
            head={workspace.head_snapshot_id}
            filter={filter}
            selected={selected}
            trans={trans}
            onSelect={setSelected}
            onEnd={() => void model.more()}
          />
          {chosen && <Details {...props} key={chosen.snapshot_id} snapshot={chosen} />}
        </>
      ) : (
        !model.loading && !model.unreachable && <Outside {...props} />
      )}
    </>
  );
}

/** What is under way, and what was done or went wrong last. */
function Said(props: Props): ReactElement {
  const { model, trans } = props;
  const { operation, error, notice } = model;
  const progress = operation?.progress;
  const hint = error instanceof JvsError ? error.detail.hint : null;
  return (
    <div aria-live="polite">
      {operation && (
        <p className="jvs-Busy" role="status">
          <progress
            aria-label={operation.kind}
            max={progress?.total ?? undefined}
            value={progress?.total ? progress.done : undefined}
          />
          {trans.__('%1: %2', operation.kind, progress?.step ?? operation.state)}
          <button onClick={() => void model.cancel()}>{trans.__('Cancel')}</button>
        </p>
      )}
      {error && (
        <p className="jvs-Error" role="alert">
          {error.message}
          {hint && <small>{trans.__('Hint: %1', hint)}</small>}
          <button onClick={() => model.dismiss()}>{trans.__('Dismiss')}</button>
        </p>
      )}
      {notice && (
        <p className="jvs-Notice" role="status">
          {notice.text}
          {notice.notes.map(note => (
            <small key={note}>{note}</small>
          ))}
          <button onClick={() => model.dismiss()}>{trans.__('Dismiss')}</button>
        </p>
      )}
    </div>
  );
}

function Head(props: Props & { workspace: Workspace }): ReactElement {
  const { model, actions, trans, workspace } = props;
  const busy = model.operation !== null;
  const { lock, changes, can } = workspace;
  return (
    <header className="jvs-Head">
      <div className="jvs-Head-title">
        <strong title={workspace.snapshot_engine}>{workspace.worktree}</strong>
        <span>
          {workspace.head_snapshot_id ? shortId(workspace.head_snapshot_id) : trans.__('no snapshot yet')}
        </span>
        <span className="jvs-Head-changes">
          {changes.total === 0 ? trans.__('clean') : trans._n('%1 change', '%1 changes', changes.total)}
        </span>
      </div>
      <div className="jvs-Buttons" role="toolbar" aria-label={trans.__('Workspace')}>
        <button
          className="jp-mod-styled jp-mod-accept"
          disabled={busy || !can.snapshot}
          onClick={() => void actions.snapshot()}
        >
          {trans.__('Take snapshot…')}
        </button>
        {can.undo && (
          <button className="jp-mod-styled" disabled={busy} onClick={() => void actions.undo()}>
            {trans.__('Undo restore…')}
          </button>
        )}
        <button
          className="jp-mod-styled"
          aria-label={trans.__('Refresh')}
          title={trans.__('Refresh')}
          onClick={() => void model.refresh()}
        >
          ⟳
        </button>
      </div>
      <div className="jvs-Lock" data-state={lock.state} data-mine={lock.mine || undefined}>
        <LockLine workspace={workspace} trans={trans} />
        {can.lock && lock.state !== 'held' && (
          <button onClick={() => void actions.lock()}>{trans.__('Keep locked')}</button>
        )}
        {can.release && lock.kept && (
          <button onClick={() => void actions.release()}>{trans.__('Give back')}</button>
        )}
      </div>
    </header>
  );
}

function LockLine(props: { workspace: Workspace; trans: TranslationBundle }): ReactElement {
  const { lock } = props.workspace;
  const { trans } = props;
  if (lock.state !== 'held' || !lock.lock) {
    return <span>{lock.state === 'expired' ? trans.__('Lock left behind, expired') : trans.__('Not locked')}</span>;
  }
  return (
    <span title={lock.lock.purpose}>
      {lock.mine
        ? trans.__('Locked by this server until %1', moment(lock.lock.lease_expires_at))
        : trans.__('Locked by %1 until %2', lock.lock.holder_id, moment(lock.lock.lease_expires_at))}
    </span>
  );
}

function Outside(props: Props): ReactElement {
  const { model, actions, trans } = props;
  return (
    <div className="jvs-Empty">
      <p>{trans.__('%1 is not in a JVS repository.', model.path || '/')}</p>
      <p>
        <button className="jp-mod-styled jp-mod-accept" onClick={() => void actions.adopt()}>
          {trans.__('Version this folder…')}
        </button>
      </p>
    </div>
  );
}
