/** What is below the timeline: the chosen snapshot, its files, or what changed since. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement, useEffect, useState } from 'react';

import { Change, Snapshot } from './api';
import { Actions } from './actions';
import { Files } from './files';
import { moment, size } from './format';
import { WorkspaceModel } from './model';
import { VirtualList } from './virtual';

/** Changed paths fetched for one comparison; more are counted. */
const MOST_CHANGES = 1000;
const SIGNS = { added: '+', modified: '~', removed: '−' };

export interface DetailsProps {
  snapshot: Snapshot;
  model: WorkspaceModel;
  actions: Actions;
  trans: TranslationBundle;
}

type View = { kind: 'facts' } | { kind: 'files' } | { kind: 'changes'; to: string | null };

export function Details(props: DetailsProps): ReactElement {
  const { snapshot, model, actions, trans } = props;
  const [view, setView] = useState<View>({ kind: 'facts' });
  const id = snapshot.snapshot_id;
  useEffect(() => setView({ kind: 'facts' }), [id]);
  const busy = model.operation !== null;
  const can = model.workspace?.can;
  const button = (label: string, act: () => void, enabled = true): ReactElement => (
    <button className="jp-mod-styled" disabled={!enabled || busy} onClick={act}>
      {label}
    </button>
  );
  return (
    <section className="jvs-Details" aria-label={trans.__('Snapshot %1', id)}>
      <div className="jvs-Buttons" role="toolbar" aria-label={trans.__('Actions')}>
        {button(trans.__('Files'), () => setView({ kind: 'files' }), !snapshot.expired)}
        {button(trans.__('Compare with now'), () => setView({ kind: 'changes', to: null }), !snapshot.expired)}
        {button(trans.__('Restore…'), () => void actions.restore(id), !snapshot.expired && can?.restore)}
        {button(
          trans.__('Restore in place…'),
          () => void actions.restoreInPlace(id),
          !snapshot.expired && can?.restore_inplace
        )}
        {button(trans.__('Name…'), () => void actions.name(id))}
      </div>
      {view.kind === 'facts' && (
        <Facts snapshot={snapshot} trans={trans} onCompare={to => setView({ kind: 'changes', to })} model={model} />
      )}
      {view.kind === 'files' && <Files snapshot={id} model={model} actions={actions} trans={trans} />}
      {view.kind === 'changes' && (
        <Changes from={id} to={view.to} model={model} actions={actions} trans={trans} />
      )}
    </section>
  );
}

function Facts(props: {
  snapshot: Snapshot;
  model: WorkspaceModel;
  trans: TranslationBundle;
  onCompare: (to: string) => void;
}): ReactElement {
  const { snapshot, trans } = props;
  const others = props.model.snapshots.filter(item => item.snapshot_id !== snapshot.snapshot_id);
  return (
    <dl className="jvs-Facts">
      <dt>{trans.__('Snapshot')}</dt>
      <dd>
        <code>{snapshot.snapshot_id}</code>
      </dd>
      <dt>{trans.__('Taken')}</dt>
      <dd>{moment(snapshot.created_at)}</dd>
      <dt>{trans.__('Holds')}</dt>
      <dd>
        {trans._n('%1 file', '%1 files', snapshot.files)}, {size(snapshot.bytes)}
      </dd>
      <dt>{trans.__('Note')}</dt>
      <dd className="jvs-Note">{snapshot.note || '—'}</dd>
      {snapshot.degraded.length > 0 && <dt>{trans.__('Not kept')}</dt>}
      {snapshot.degraded.length > 0 && <dd className="jvs-Note">{snapshot.degraded.join('\n')}</dd>}
      <dt>{trans.__('Compare with')}</dt>
      <dd>
        <select
          className="jp-mod-styled"
          aria-label={trans.__('Compare with another snapshot')}
          value=""
          onChange={event => props.onCompare(event.target.value)}
        >
          <option value="">{trans.__('another snapshot…')}</option>
          {others.slice(0, 100).map(item => (
            <option key={item.snapshot_id} value={item.snapshot_id}>
              {`${moment(item.created_at)}  ${item.note.split('\n')[0]}`}
            </option>
          ))}
        </select>
      </dd>
    </dl>
  );
}

function Changes(props: {
  from: string;
  to: string | null;
  model: WorkspaceModel;
  actions: Actions;
  trans: TranslationBundle;
}): ReactElement {
  const { from, to, model, actions, trans } = props;
  const [found, setFound] = useState<{ items: Change[]; total: number } | null>(null);
  const [selected, setSelected] = useState<string | null>(null);
  const present = model.workspace?.changes;
  useEffect(() => {
    let wanted = true;
    setFound(null);
    model
      .compare(from, to, MOST_CHANGES)
      .then(value => wanted && setFound(value))
      .catch(error => wanted && model.fail(error));
    return () => {
      wanted = false;
    };
  }, [model, from, to, to === null ? present : null]);
  if (!found) {
    return <p role="status">{trans.__('Comparing…')}</p>;
  }
  const open = (item: Change): void => {
    if (item.change !== 'added' && !item.path.endsWith('/')) {
      void actions.open(from, item.path);
    }
  };
  return (
    <>
      <p role="status">
        {found.total === 0
          ? trans.__('Nothing differs.')
          : to === null
            ? trans._n('%1 path changed since', '%1 paths changed since', found.total)
            : trans._n('%1 path differs', '%1 paths differ', found.total)}
      </p>
      <VirtualList
        items={found.items}
        rowHeight={24}
        label={trans.__('Changed paths')}
        keyOf={item => item.path}
        render={item => (
          <span className="jvs-Change" data-change={item.change} title={item.path}>
            <b aria-label={item.change}>{SIGNS[item.change]}</b> {item.path}
          </span>
        )}
        selected={selected}
        onSelect={item => setSelected(item.path)}
        onOpen={open}
        empty={null}
      />
    </>
  );
}
