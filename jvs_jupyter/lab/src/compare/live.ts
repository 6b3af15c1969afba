/** What tells a comparison with now that it may be old. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { Signal } from '@lumino/signaling';

import { CHANGE_EVENT } from '../api';
import { CompareTab } from './tab';

/** Compare anew whenever what is shown may differ: by edits of the open document, saves, and whatever the server tells. */
export function keepLive(app: JupyterFrontEnd, tab: CompareTab): void {
  const { model } = tab;
  const listener = {};
  let context: DocumentRegistry.Context | null = null;
  const refresh = (): void => {
    if (tab.isVisible) {
      model.refreshSoon();
    } else {
      tab.isStale = true;
    }
  };
  const follow = (): void => {
    const found = model.document === null ? null : model.present.context(model.document);
    if (found !== context) {
      context?.model.contentChanged.disconnect(refresh, listener);
      context = found;
      context?.model.contentChanged.connect(refresh, listener);
    }
  };
  model.changed.connect(follow, listener);
  app.shell.currentChanged?.connect(follow, listener);
  app.serviceManager.contents.fileChanged.connect((_, change) => {
    if (change.type !== null) {
      refresh();
    }
  }, listener);
  app.serviceManager.events.stream.connect((_, event) => {
    if (event.schema_id === CHANGE_EVENT) {
      refresh();
    }
  }, listener);
  tab.disposed.connect(() => Signal.clearData(listener));
}
