/** The status bar's item: worktree, head, how much changed. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { ReactElement } from 'react';

import { shortId } from './format';
import { WorkspaceModel } from './model';

export class StatusItem extends ReactWidget {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly trans: TranslationBundle,
    private readonly onClick: () => void
  ) {
    super();
    this.addClass('jvs-Status');
  }

  protected render(): ReactElement {
    return <UseSignal signal={this.model.changed}>{() => this.content()}</UseSignal>;
  }

  private content(): ReactElement | null {
    const { workspace, operation } = this.model;
    if (!workspace) {
      return null;
    }
    const { total } = workspace.changes;
    const parts = [
      workspace.worktree,
      workspace.head_snapshot_id ? shortId(workspace.head_snapshot_id) : this.trans.__('no snapshot'),
      operation ? `${operation.kind}…` : this.trans.__('%1 changed', total)
    ];
    return (
      <button onClick={this.onClick} title={this.trans.__('Snapshots of this workspace')}>
        {parts.join(' · ')}
      </button>
    );
  }
}
