/** Where tabs open: in the main area, or below the document in Notebook 7, where that fills it. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { SplitPanel, Widget } from '@lumino/widgets';

/** Add a tab to the main area. What found no room there goes below the document once the application has started. */
export function addToShell(app: JupyterFrontEnd, tab: Widget, type: string): void {
  app.shell.add(tab, 'main', { type });
  // JupyterLab attaches nothing until then.
  void app.restored.then(() => {
    if (!tab.isAttached && !tab.isDisposed) {
      app.shell.add(tab, 'down', { type });
      app.shell.activateById(tab.id);
      makeRoom(tab);
    }
  });
}

/** Give the area that `widget` is in the larger half of the page. */
function makeRoom(widget: Widget): void {
  for (let child = widget; child.parent; child = child.parent) {
    const { parent } = child;
    if (parent instanceof SplitPanel && parent.orientation === 'vertical' && parent.widgets.length === 2) {
      parent.setRelativeSizes(parent.widgets[1] === child ? [2, 3] : [3, 2]);
      return;
    }
  }
}
