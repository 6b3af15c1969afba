/** The tab in the main area. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { ReactElement } from 'react';

import { Below } from './below';
import { RunsDesk, RunsDeskContext } from './desk';
import { Head } from './head';
import { runsIcon } from './icon';
import { RunsModel } from './model';
import { Failed, RunsTable } from './table';

export class RunsTab extends ReactWidget {
  constructor(
    readonly model: RunsModel,
    readonly desk: RunsDesk
  ) {
    super();
    this.addClass('jvs-Runs');
    this.title.icon = runsIcon;
    this.title.closable = true;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', desk.trans.__('Runs'));
    this.node.tabIndex = -1;
    model.changed.connect(this.named, this);
    this.named();
  }

  /** Something changed while nobody looked. */
  isStale = false;

  dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
    }
  }

  protected onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }

  /** Whoever shows the tab by keyboard goes on in its table. */
  protected onActivateRequest(): void {
    if (!this.node.contains(document.activeElement)) {
      (this.node.querySelector<HTMLElement>('.jvs-List') ?? this.node).focus();
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    if (this.isStale) {
      this.isStale = false;
      this.model.refreshSoon();
    }
  }

  protected render(): ReactElement {
    return (
      <RunsDeskContext.Provider value={this.desk}>
        <UseSignal signal={this.model.changed}>{() => <Content model={this.model} />}</UseSignal>
      </RunsDeskContext.Provider>
    );
  }

  private named(): void {
    const { trans } = this.desk;
    const { name } = this.model;
    this.title.label = name ? trans.__('Runs: %1', name.length > 30 ? `${name.slice(0, 29)}…` : name) : trans.__('Runs');
    this.title.caption = name;
  }
}

export function Content(props: { model: RunsModel }): ReactElement {
  const { model } = props;
  const { place } = model;
  return (
    <RunsDeskContext.Consumer>
      {desk =>
        desk === null ? null : place.state === 'failed' ? (
          <Failed error={place.error} trans={desk.trans} onRetry={() => void model.refresh()} />
        ) : place.state === 'loading' ? (
          <p className="jvs-None" role="status">
            {desk.trans.__('Loading…')}
          </p>
        ) : (
          <>
            <Head model={model} />
            <RunsTable model={model} />
            <Below model={model} />
          </>
        )
      }
    </RunsDeskContext.Consumer>
  );
}
