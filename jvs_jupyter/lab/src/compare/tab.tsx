/** The compare tab. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { ReactElement } from 'react';

import { JvsError } from '../api';
import { baseName } from '../format';
import { compareIcon } from './icon';
import { FileActions, Inside } from './inside';
import { CompareModel } from './model';
import { Paths } from './paths';
import { NOW } from './place';
import { Times } from './times';
import { Tools } from './tools';
import { summary } from './words';

/** Actions of the tab, which may be taken back by Ctrl Z in it. */
export interface TabActions extends FileActions {
  /** Whether there is something to take back; if so it was taken back. */
  undo: () => boolean;
}

export class CompareTab extends ReactWidget {
  constructor(
    readonly model: CompareModel,
    private readonly tools: Tools,
    private readonly actions: TabActions
  ) {
    super();
    const { trans } = tools;
    this.addClass('jvs-Compare');
    this.title.icon = compareIcon;
    this.title.closable = true;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('What changed'));
    this.node.tabIndex = -1;
    model.changed.connect(this.named, this);
    this.named();
    this.node.addEventListener('keydown', event => {
      const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z';
      if (isUndo && this.actions.undo()) {
        event.preventDefault();
        event.stopPropagation();
      }
    });
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

  protected onActivateRequest(): void {
    this.node.focus();
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
      <UseSignal signal={this.model.changed}>
        {() => <Content model={this.model} tools={this.tools} actions={this.actions} />}
      </UseSignal>
    );
  }

  private named(): void {
    const { trans } = this.tools;
    const { file, place } = this.model;
    const name = file !== null ? baseName(file) : place.state === 'ready' ? place.value.name : '';
    this.title.label = name ? trans.__('Compare: %1', name) : trans.__('Compare');
    this.title.caption = file ?? '';
  }
}

interface Props {
  model: CompareModel;
  tools: Tools;
  actions: TabActions;
}

function Content(props: Props): ReactElement {
  const { model, tools } = props;
  const { trans } = tools;
  if (model.place.state === 'failed') {
    return <Failed error={model.place.error} trans={trans} onRetry={() => void model.refresh()} />;
  }
  if (model.place.state === 'loading') {
    return <Busy trans={trans} />;
  }
  if (model.from === null) {
    return <p className="jvs-None">{trans.__('There is no snapshot yet to compare with.')}</p>;
  }
  return (
    <>
      <Head {...props} from={model.from} />
      <div className="jvs-Compare-body">
        <nav className="jvs-Compare-paths" aria-label={trans.__('Changed files')}>
          {model.list.state === 'ready' ? (
            <Paths
              found={model.list.value}
              selected={model.file}
              trans={trans}
              onSelect={path => void model.choose(path)}
            />
          ) : model.list.state === 'failed' ? (
            <Failed error={model.list.error} trans={trans} onRetry={() => void model.refresh()} />
          ) : (
            <Busy trans={trans} />
          )}
        </nav>
        <main className="jvs-Compare-inside">
          <Chosen {...props} />
        </main>
      </div>
    </>
  );
}

function Head(props: Props & { from: string }): ReactElement {
  const { model, tools, from } = props;
  const { trans } = tools;
  const { inside, to } = model;
  const isUnsaved = inside?.state === 'ready' && inside.value.shown !== null;
  return (
    <header className="jvs-Compare-head">
      <strong title={model.file ?? ''}>{model.file === null ? trans.__('All files') : baseName(model.file)}</strong>
      <Times
        stops={model.stops}
        from={from}
        to={to}
        isUnsaved={to === NOW && isUnsaved}
        hasOlder={model.hasOlder}
        trans={trans}
        onChange={(one, other) => void model.setTimes(one, other)}
        onOlder={() => void model.older()}
      />
      <span className="jvs-Compare-words" role="status">
        {inside?.state === 'ready' ? summary(inside.value.difference, trans) : ''}
      </span>
    </header>
  );
}

function Chosen(props: Props): ReactElement {
  const { model, tools, actions } = props;
  const { trans } = tools;
  const { inside } = model;
  if (inside === null) {
    return <p className="jvs-None">{trans.__('Choose a file to see what changed inside.')}</p>;
  }
  if (inside.state === 'failed') {
    return <Failed error={inside.error} trans={trans} onRetry={() => void model.refresh()} />;
  }
  if (inside.state === 'loading') {
    return <Busy trans={trans} />;
  }
  return (
    <Inside
      key={`${inside.value.file} ${inside.value.from} ${inside.value.to}`}
      compared={inside.value}
      everything={model.everything}
      tools={tools}
      actions={actions}
      onEverything={everything => void model.setEverything(everything)}
    />
  );
}

function Busy(props: { trans: TranslationBundle }): ReactElement {
  return (
    <p className="jvs-None" role="status">
      {props.trans.__('Comparing…')}
    </p>
  );
}

function Failed(props: { error: Error; trans: TranslationBundle; onRetry: () => void }): ReactElement {
  const { error, trans } = props;
  const hint = error instanceof JvsError ? error.detail.hint : null;
  return (
    <div className="jvs-Error" role="alert">
      {error.message}
      {hint && <small>{trans.__('Hint: %1', hint)}</small>}{' '}
      <button className="jvs-Link" onClick={props.onRetry}>
        {trans.__('Try again')}
      </button>
    </div>
  );
}
