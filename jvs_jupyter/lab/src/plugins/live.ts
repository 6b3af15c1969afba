/** What tells the model that something may have changed, and where the person is. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { NotebookActions } from '@jupyterlab/notebook';

import { CHANGE_EVENT, OPERATION_EVENT } from '../api';
import { Documents } from '../documents';
import { WorkspaceModel } from '../model/workspace';
import { Operation } from '../shapes';

/** Keep the model at what the person looks at, and fresh: by events, executed cells, saves, focus. */
export function keepLive(
  app: JupyterFrontEnd,
  model: WorkspaceModel,
  documents: Documents,
  browser: IDefaultFileBrowser | null
): void {
  const follow = (): void => {
    const path = documents.currentPath();
    if (path !== null) {
      void model.follow(path, false);
    } else if (!documents.isElsewhere) {
      void model.follow(browser?.model.path ?? '', true);
    }
  };
  const refresh = (): void => model.refreshSoon();
  app.shell.currentChanged?.connect(follow);
  browser?.model.pathChanged.connect(follow);
  void app.restored.then(follow);

  window.addEventListener('focus', refresh);
  document.addEventListener('visibilitychange', refresh);
  NotebookActions.executed.connect(refresh);
  app.serviceManager.contents.fileChanged.connect((_, change) => {
    if (change.type !== null) {
      refresh();
    }
  });
  app.serviceManager.events.stream.connect((_, event) => {
    if (event.schema_id === OPERATION_EVENT) {
      model.operations.heardOf(event as unknown as Operation);
    } else if (event.schema_id === CHANGE_EVENT) {
      refresh();
    }
  });
}
