/** Putting one old cell back into the open notebook, and taking that back. */

import type { ICodeCellModel } from '@jupyterlab/cells';
import { Notebook, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import { CellChange } from './difference';
import { OldCell } from './old_cell';

/** The notebook whose last change of cells was a cell taken: Ctrl Z takes it back. */
export const TAKEN_CLASS = 'jvs-mod-taken';
const MARK = 'jvs-taken';

/** Why a cell was not taken. */
export type Refusal = 'changed' | 'running';

/** What is used of Yjs's undo manager. */
interface UndoManager {
  undoStack: { meta: Map<unknown, unknown> }[];
  stopCapturing(): void;
  on(event: string, listener: () => void): void;
}

/**
 * Put the old cell of `changes[at]` into the notebook, in one change that can be undone; or say why not.
 *
 * `ids` are those of the notebook's cells when it was compared: cells may have moved since. A cell that was edited since is left
 * alone. The cell is a new one, and trusted no more than a file that comes from elsewhere, whatever ran in its place.
 */
export function takeCell(
  panel: NotebookPanel,
  changes: readonly CellChange[],
  at: number,
  ids: readonly string[],
  cell: OldCell
): Refusal | null {
  const notebook = panel.content;
  const shared = notebook.model!.sharedModel;
  const place = placeOf(notebook, changes, at, ids);
  if (typeof place === 'string') {
    return place;
  }
  const { index, replaces } = place;
  const isFree = (id: string): boolean => shared.cells.every(other => other.getId() !== id);
  const oldId = changes[at].cell_id;
  const id = replaces ? shared.getCell(index).getId() : oldId !== null && isFree(oldId) ? oldId : undefined;
  const manager = undoManagerOf(notebook);
  manager.stopCapturing();
  shared.transact(() => {
    if (replaces) {
      shared.deleteCell(index);
    }
    // the models know the shapes of cells by their types; ours is one of them
    shared.insertCell(index, { ...cell, ...(id === undefined ? {} : { id }) } as any);
  });
  manager.undoStack[manager.undoStack.length - 1]?.meta.set(MARK, true);
  manager.stopCapturing();
  notebook.activeCellIndex = index;
  void notebook.scrollToItem(index, 'smart');
  mark(notebook);
  watch(notebook, manager);
  return null;
}

/** Whether the last change of cells of a notebook was a cell taken. */
export function wasTaken(notebook: Notebook): boolean {
  const stack = notebook.isDisposed || !notebook.model ? [] : undoManagerOf(notebook).undoStack;
  return stack[stack.length - 1]?.meta.get(MARK) === true;
}

/** Undo as Ctrl Z in a notebook does, first in the cell that is edited; then take back the cell taken. */
export function undoTaken(notebook: Notebook): void {
  const cell = notebook.activeCell?.model.sharedModel;
  if (cell?.canUndo()) {
    cell.undo();
  } else if (wasTaken(notebook)) {
    NotebookActions.undo(notebook);
  }
}

function placeOf(
  notebook: Notebook,
  changes: readonly CellChange[],
  at: number,
  ids: readonly string[]
): { index: number; replaces: boolean } | Refusal {
  const { cells } = notebook.model!.sharedModel;
  const indexOf = (id: string | undefined): number => cells.findIndex(other => other.getId() === id);
  const change = changes[at];
  if (change.new_index === null) {
    for (let before = at - 1; before >= 0; before -= 1) {
      const { new_index, count } = changes[before];
      if (new_index !== null) {
        const index = indexOf(ids[new_index + count - 1]);
        return index < 0 ? 'changed' : { index: index + 1, replaces: false };
      }
    }
    return { index: 0, replaces: false };
  }
  const index = indexOf(ids[change.new_index]);
  if (index < 0 || (change.new_source !== null && cells[index].getSource() !== change.new_source)) {
    return 'changed';
  }
  const model = notebook.widgets[index]?.model as ICodeCellModel | undefined;
  return model?.executionState === 'running' ? 'running' : { index, replaces: true };
}

function mark(notebook: Notebook): void {
  notebook.toggleClass(TAKEN_CLASS, wasTaken(notebook));
}

const watched = new WeakSet<UndoManager>();

function watch(notebook: Notebook, manager: UndoManager): void {
  if (!watched.has(manager)) {
    watched.add(manager);
    const look = (): void => {
      if (!notebook.isDisposed) {
        mark(notebook);
      }
    };
    for (const event of ['stack-item-added', 'stack-item-popped', 'stack-cleared']) {
      manager.on(event, look);
    }
  }
}

function undoManagerOf(notebook: Notebook): UndoManager {
  return (notebook.model!.sharedModel as unknown as { undoManager: UndoManager }).undoManager;
}
