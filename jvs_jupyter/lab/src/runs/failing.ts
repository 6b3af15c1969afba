/** Finding the cell that failed in a notebook that was just opened. */

import { NotebookPanel } from '@jupyterlab/notebook';

/** Scroll to the failed cell, and make it the active one. Without a word about which, it is the first with an error. */
export async function showFailure(panel: NotebookPanel, failed: { index: number; id: string | null } | null): Promise<void> {
  await panel.context.ready;
  await panel.revealed;
  const notebook = panel.content;
  const at = indexOf(panel, failed);
  if (at < 0) {
    return;
  }
  notebook.activeCellIndex = at;
  notebook.deselectAll();
  await notebook.scrollToItem(at, 'center');
}

function indexOf(panel: NotebookPanel, failed: { index: number; id: string | null } | null): number {
  const cells = [...(panel.content.model?.sharedModel.cells ?? [])];
  const byId = failed?.id ? cells.findIndex(cell => cell.id === failed.id) : -1;
  if (byId >= 0) {
    return byId;
  }
  if (failed && failed.index < cells.length) {
    return failed.index;
  }
  const isFailed = (cell: (typeof cells)[number]): boolean => {
    const { cell_type, outputs } = cell.toJSON() as { cell_type: string; outputs?: { output_type: string }[] };
    return cell_type === 'code' && (outputs ?? []).some(output => output.output_type === 'error');
  };
  return cells.findIndex(isFailed);
}
