/** The Snapshots panel of the left sidebar. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { KeyboardEvent, ReactElement } from 'react';

import { JvsError } from '../api';
import { snapshotsIcon } from '../icon';
import { Tab, TABS } from '../model/workspace';
import { Busy } from './busy';
import { DeletedTab } from './deleted';
import { Desk, DeskContext, useDesk } from './desk';
import { FirstMinute } from './first_minute';
import { RunsTab } from './runs';
import { TimelineTab } from './timeline';
import { WorktreesTab } from './worktrees';

export const PANEL_ID = 'jvs-snapshots';
/** What has the focus in a panel that is shown: the list of the tab, or the only button. */
const FIRST = '.jvs-Tab .jvs-List, .jvs-First button:enabled';

export class SnapshotsPanel extends ReactWidget {
  constructor(private readonly desk: Desk) {
    super();
    const { trans } = desk;
    this.id = PANEL_ID;
    this.addClass('jvs-Panel');
    this.title.icon = snapshotsIcon;
    this.title.caption = trans.__('Snapshots');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Snapshots'));
    desk.model.changed.connect(this.passFocusOn, this);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.desk.model.inSight('panel', true);
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.desk.model.inSight('panel', false);
  }

  /** Whoever shows the panel by keyboard goes on in it: in its list, once that is there. */
  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.tabIndex = -1;
    this.node.focus();
    this.passFocusOn();
  }

  private passFocusOn(): void {
    requestAnimationFrame(() => {
      if (document.activeElement === this.node) {
        this.node.querySelector<HTMLElement>(FIRST)?.focus();
      }
    });
  }

  protected render(): ReactElement {
    return (
      <DeskContext.Provider value={this.desk}>
        <UseSignal signal={this.desk.model.changed}>{() => <Content />}</UseSignal>
      </DeskContext.Provider>
    );
  }
}

/** One state of the model, shown. */
export function Content(): ReactElement {
  const { model, trans } = useDesk();
  const { state } = model;
  switch (state.kind) {
    case 'loading':
      return (
        <p className="jvs-Empty" role="status">
          {trans.__('Loading…')}
        </p>
      );
    case 'none':
      return <FirstMinute />;
    case 'outside':
      return <Refused message={state.error.message} hint={state.error.hint} />;
    case 'unreachable': {
      const hint = state.error instanceof JvsError ? state.error.detail.hint : null;
      return <Refused message={state.error.message} hint={hint} retry />;
    }
    case 'ready':
      return (
        <>
          <Tabs />
          <Busy />
          <div
            className="jvs-Tab"
            role="tabpanel"
            id={`jvs-tabpanel-${model.tab}`}
            aria-labelledby={`jvs-tab-${model.tab}`}
          >
            <Shown tab={model.tab} />
          </div>
        </>
      );
  }
}

function Shown(props: { tab: Tab }): ReactElement {
  switch (props.tab) {
    case 'timeline':
      return <TimelineTab />;
    case 'deleted':
      return <DeletedTab />;
    case 'runs':
      return <RunsTab />;
    case 'worktrees':
      return <WorktreesTab />;
  }
}

function Tabs(): ReactElement {
  const { model, trans } = useDesk();
  const names: Record<Tab, string> = {
    timeline: trans.__('Timeline'),
    deleted: trans.__('Deleted'),
    runs: trans.__('Runs'),
    worktrees: trans.__('Worktrees')
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step !== 0) {
      const next = TABS[(TABS.indexOf(model.tab) + step + TABS.length) % TABS.length];
      void model.show(next);
      event.currentTarget.querySelector<HTMLElement>(`#jvs-tab-${next}`)?.focus();
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return (
    <div className="jvs-Tabs" role="tablist" aria-label={trans.__('Snapshots')} onKeyDown={onKeyDown}>
      {TABS.map(tab => (
        <button
          key={tab}
          id={`jvs-tab-${tab}`}
          role="tab"
          aria-selected={tab === model.tab}
          aria-controls={`jvs-tabpanel-${tab}`}
          tabIndex={tab === model.tab ? 0 : -1}
          onClick={() => void model.show(tab)}
        >
          {names[tab]}
        </button>
      ))}
    </div>
  );
}

function Refused(props: { message: string; hint: string | null; retry?: boolean }): ReactElement {
  const { model, trans } = useDesk();
  return (
    <div className="jvs-Empty" role="alert">
      <p>{props.message}</p>
      {props.hint && <p>{props.hint}</p>}
      {props.retry && (
        <button className="jp-mod-styled" onClick={() => void model.refresh()}>
          {trans.__('Try again')}
        </button>
      )}
    </div>
  );
}
