/** The Worktrees tab: the folders of the repository, each with a history of its own. */

import { ellipsesIcon } from '@jupyterlab/ui-components';
import { ReactElement } from 'react';

import { moment } from '../format';
import { Worktree } from '../shapes';
import { openMenu, VirtualList } from '../virtual';
import { useDesk } from './desk';

const HEIGHT = 48;

export function WorktreesTab(): ReactElement {
  const { model, actions, trans } = useDesk();
  const { state } = model.worktrees;
  if (state.kind === 'failed') {
    return (
      <p className="jvs-Empty" role="alert">
        {state.error.message}
      </p>
    );
  }
  return (
    <VirtualList
      role="grid"
      items={model.worktrees.items}
      rowHeight={HEIGHT}
      label={trans.__('Worktrees')}
      keyOf={worktree => worktree.name}
      attributesOf={worktree => ({
        'data-jvs-row': 'worktree',
        'aria-label': worktree.name,
        'data-here': worktree.name === model.workspace?.worktree
      })}
      render={worktree => <Row worktree={worktree} />}
      selected={model.chosen.worktrees}
      onSelect={worktree => model.choose('worktrees', worktree.name)}
      onOpen={worktree => void actions.folders.openWorktree(worktree)}
      empty={trans.__('Loading…')}
    />
  );
}

function Row(props: { worktree: Worktree }): ReactElement {
  const { model, trans } = useDesk();
  const { worktree } = props;
  const from = worktree.base_note?.split('\n')[0];
  const facts = [
    from ? trans.__('from “%1”', from) : null,
    moment(worktree.created_at),
    worktree.lock_state === 'held' ? trans.__('being changed') : null
  ];
  return (
    <div className="jvs-Worktree" role="gridcell">
      <div className="jvs-Line">
        <span className="jvs-Title" title={worktree.path}>
          {worktree.name}
        </span>
        {worktree.name === model.workspace?.worktree && <strong className="jvs-Here">{trans.__('you are here')}</strong>}
        {worktree.changed !== null && worktree.changed > 0 && (
          <span className="jvs-Dim">{trans.__('%1 changed', worktree.changed)}</span>
        )}
        <button
          className="jvs-Icon jvs-More"
          tabIndex={-1}
          aria-label={trans.__('Actions for %1', worktree.name)}
          aria-haspopup="menu"
          onClick={event => openMenu(event.currentTarget)}
        >
          <ellipsesIcon.react tag="span" />
        </button>
      </div>
      <div className="jvs-Line jvs-Second">
        <span className="jvs-Changed">{facts.filter(fact => fact).join(' · ')}</span>
      </div>
    </div>
  );
}
