/** What tells the table that it may be old. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { Signal } from '@lumino/signaling';

import { CHANGE_EVENT } from '../api';
import { RunsTab } from './tab';

/** What a change is of that runs show. */
const CONCERNED = ['runs', 'snapshots', 'repository'];

/** Fetch anew whenever the server tells that runs changed, or how far one is. */
export function keepLive(app: JupyterFrontEnd, tab: RunsTab): void {
  const { model } = tab;
  const listener = {};
  const refresh = (): void => {
    if (tab.isVisible) {
      model.refreshSoon();
    } else {
      tab.isStale = true;
    }
  };
  app.serviceManager.events.stream.connect((_, event) => {
    const { repo_id, what } = event as unknown as { repo_id?: string; what?: string };
    const isOurs = repo_id === model.workspace?.repo_id && CONCERNED.includes(what ?? '');
    if (event.schema_id === CHANGE_EVENT && isOurs) {
      refresh();
    }
  }, listener);
  const onFocus = (): void => refresh();
  window.addEventListener('focus', onFocus);
  tab.disposed.connect(() => {
    window.removeEventListener('focus', onFocus);
    Signal.clearData(listener);
  });
}
