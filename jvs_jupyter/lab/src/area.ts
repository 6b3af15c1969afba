/** The area below the document, where tabs open in Notebook 7. */

import { SplitPanel, Widget } from '@lumino/widgets';

/** Give the area that `widget` is in the larger half of the page. */
export function makeRoom(widget: Widget): void {
  for (let child = widget; child.parent; child = child.parent) {
    const { parent } = child;
    if (parent instanceof SplitPanel && parent.orientation === 'vertical' && parent.widgets.length === 2) {
      parent.setRelativeSizes(parent.widgets[1] === child ? [2, 3] : [3, 2]);
      return;
    }
  }
}
