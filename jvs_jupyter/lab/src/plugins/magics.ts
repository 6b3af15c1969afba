/** A cell that takes a snapshot finds the notebook saved, as it is on the screen. */

import { Notebook, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import { WorkspaceModel } from '../model/workspace';
import { announce, takesSnapshot } from './saving';

/** Save the notebook when the kernel comes to a cell that takes a snapshot, before that cell runs. */
export function saveBeforeSnapshots(model: WorkspaceModel, isWanted: () => boolean): void {
  NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
    if (isWanted() && cell.model.type === 'code' && takesSnapshot(cell.model.sharedModel.getSource())) {
      saveFirst(model, notebook);
    }
  });
}

function saveFirst(model: WorkspaceModel, notebook: Notebook): void {
  const panel = notebook.parent;
  if (!(panel instanceof NotebookPanel) || panel.context.model.readOnly || !isPython(notebook)) {
    return;
  }
  const kernel = panel.context.sessionContext.session?.kernel;
  const path = absolutePath(model, panel.context.path);
  if (kernel && path !== null) {
    announce(kernel, path, () => void panel.context.save());
  }
}

/** The notebook's path as the kernel sees it; null outside the workspace that is shown. */
function absolutePath(model: WorkspaceModel, path: string): string | null {
  const { workspace } = model;
  const folder = workspace?.worktree_path ?? null;
  if (workspace === null || folder === null || !(folder === '' || path.startsWith(`${folder}/`))) {
    return null;
  }
  return `${workspace.worktree_root}/${folder === '' ? path : path.slice(folder.length + 1)}`;
}

function isPython(notebook: Notebook): boolean {
  const kernelspec = notebook.model?.getMetadata('kernelspec') as { language?: string } | undefined;
  const language = kernelspec?.language ?? notebook.model?.defaultKernelLanguage ?? '';
  return language === '' || language === 'python';
}
