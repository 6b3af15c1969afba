/** The status bar's item: how the history of the current folder stands. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { ReactElement } from 'react';

import { WorkspaceModel } from './model/workspace';
import { useNow } from './panel/desk';
import { statusWords } from './status_words';

export class StatusItem extends ReactWidget {
  constructor(private readonly props: StatusProps) {
    super();
    this.addClass('jvs-Status');
  }

  protected render(): ReactElement {
    return (
      <UseSignal signal={this.props.model.changed}>{() => <StatusText {...this.props} />}</UseSignal>
    );
  }
}

export interface StatusProps {
  model: WorkspaceModel;
  trans: TranslationBundle;
  onClick: () => void;
}

export function StatusText(props: StatusProps): ReactElement | null {
  const now = useNow();
  const words = statusWords(props.model.state, now, props.trans);
  return words === null ? null : (
    <button data-mark={words.mark} title={words.title} onClick={props.onClick}>
      <span aria-hidden="true">{words.sign}</span> {words.text}
    </button>
  );
}
