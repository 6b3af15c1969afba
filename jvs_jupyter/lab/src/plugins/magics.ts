/** A cell that takes a snapshot finds the notebook saved, as it is on the screen. */

import { Notebook, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import { Kernel, KernelMessage } from '@jupyterlab/services';

import { WorkspaceModel } from '../model/workspace';

/** How long the kernel waits for the notebook to be saved, in seconds. */
const PATIENCE = 3;
/** Lines that take a snapshot: first of all, or before they change files. */
const TAKES_ONE = /^\s*%%jvs\b|^[^#\n]*%jvs\s[^#\n]*\b(?:snapshot|restore|undo|redo)\b/m;

/**
 * Runs in the kernel just before such a cell: says that it is there, then waits until Jupyter's server has written the
 * notebook, which it does beside a copy named `.~NAME`. A kernel that does not see the file waits for nothing.
 */
const WAIT = `
import os, time
end = time.monotonic() + seconds
spare = os.path.join(os.path.dirname(path), ".~" + os.path.basename(path))
def look():
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size, found.st_ino
try:
    before = look()
    print("ready", flush=True)
    seen, last = before, None
    while time.monotonic() < end and (seen == before or seen != last or os.path.exists(spare)):
        time.sleep(0.02)
        last, seen = seen, look()
except OSError:
    pass
`;

/** Save the notebook when the kernel comes to a cell that takes a snapshot, before that cell runs. */
export function saveBeforeSnapshots(model: WorkspaceModel, isWanted: () => boolean): void {
  NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
    if (isWanted() && cell.model.type === 'code' && takesSnapshot(cell.model.sharedModel.getSource())) {
      saveFirst(model, notebook);
    }
  });
}

export function takesSnapshot(source: string): boolean {
  return TAKES_ONE.test(source);
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

/** Let the kernel wait for a save, which `save` begins once it does. What is sent next runs after that. */
export function announce(kernel: Pick<Kernel.IKernelConnection, 'requestExecute'>, path: string, save: () => void): void {
  const names = `{"path": ${JSON.stringify(path)}, "seconds": ${PATIENCE}}`;
  const code = `exec(${JSON.stringify(WAIT)}, ${names})`;
  const future = kernel.requestExecute({ code, silent: true, store_history: false, stop_on_error: false });
  let told = false;
  future.onIOPub = message => {
    if (!told && KernelMessage.isStreamMsg(message)) {
      told = true;
      save();
    }
  };
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
