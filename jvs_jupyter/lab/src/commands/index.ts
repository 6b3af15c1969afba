/** All commands, in the palette and in context menus. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';

import { Actions } from '../actions';
import { WorkspaceModel } from '../model/workspace';
import { addFileCommands } from './files';
import { CommandIDs as C } from './ids';
import { addRowCommands } from './rows';
import { addWorkspaceCommands } from './workspace';

export { CommandIDs } from './ids';

/** Context menus of the panel, by selector; '' separates. */
const MENUS: Record<string, readonly string[]> = {
  '.jvs-Row[data-jvs-row="snapshot"]': [
    C.compare,
    C.compareWith,
    C.files,
    '',
    C.toFolder,
    C.goBack,
    '',
    C.edit,
    C.name,
    C.pin,
    C.unpin,
    C.copyId
  ],
  '.jvs-Row[data-jvs-row="deleted"]': [C.putBack, C.putBackTo, '', C.openDeleted, C.compareDeleted, C.downloadDeleted],
  '.jvs-Row[data-jvs-row="run"]': [C.runTable, C.runCompare, C.runOpen, '', C.runBefore],
  '.jvs-Row[data-jvs-row="worktree"]': [C.worktreeOpen, C.worktreeRename, C.worktreeRemove],
  '.jvs-Head': [
    C.compareWithLast,
    C.undo,
    C.redo,
    '',
    C.automatic,
    C.everywhere,
    C.lock,
    C.release,
    '',
    C.refresh
  ]
};

export function addCommands(
  app: JupyterFrontEnd,
  model: WorkspaceModel,
  actions: Actions,
  palette: ICommandPalette | null,
  browser: IDefaultFileBrowser | null
): void {
  addWorkspaceCommands(app, model, actions);
  addRowCommands(app, model, actions);
  if (browser) {
    addFileCommands(app, model, actions, browser);
  }
  for (const [selector, commands] of Object.entries(MENUS)) {
    commands.forEach((command, rank) =>
      app.contextMenu.addItem(
        command === '' ? { type: 'separator', selector, rank } : { command, selector, rank }
      )
    );
  }
  const category = actions.bench.trans.__('Snapshots');
  for (const command of Object.values(C)) {
    if (app.commands.hasCommand(command)) {
      palette?.addItem({ command, category });
    }
  }
  model.changed.connect(() => app.commands.notifyCommandChanged());
}
