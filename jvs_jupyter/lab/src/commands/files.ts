/** Commands on files and folders of Lab's own file browser. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';

import { Actions } from '../actions';
import { snapshotsIcon } from '../icon';
import { WorkspaceModel } from '../model/workspace';
import { PANEL_ID } from '../panel';
import { CommandIDs } from './ids';

export function addFileCommands(
  app: JupyterFrontEnd,
  model: WorkspaceModel,
  actions: Actions,
  browser: IDefaultFileBrowser
): void {
  const { trans } = actions.bench;
  const show = (): void => app.shell.activateById(PANEL_ID);
  /** The one item chosen in the file browser; null when there are several. */
  const chosen = (isFolder: boolean): string | null => {
    const items = [...browser.selectedItems()];
    return items.length === 1 && (items[0].type === 'directory') === isFolder ? items[0].path : null;
  };
  const history = async (): Promise<void> => {
    const path = chosen(false);
    if (path !== null) {
      show();
      await model.follow(path, false);
      await model.show('timeline');
      await model.narrow({ file: model.workspace?.inner_path ?? null });
    }
  };
  app.commands.addCommand(CommandIDs.fileHistory, {
    label: trans.__('History of This File'),
    icon: snapshotsIcon,
    isVisible: () => chosen(false) !== null,
    execute: history
  });
  app.commands.addCommand(CommandIDs.restoreFile, {
    label: trans.__('Restore This File From…'),
    isVisible: () => chosen(false) !== null,
    execute: history
  });
  app.commands.addCommand(CommandIDs.deletedHere, {
    label: trans.__('Deleted Files Here…'),
    icon: snapshotsIcon,
    execute: async () => {
      show();
      await model.follow(chosen(true) ?? browser.model.path, true);
      model.deletedFrom = model.workspace?.inner_path ?? '';
      await model.show('deleted');
    }
  });
  const file = '.jp-DirListing-item[data-isdir="false"]';
  app.contextMenu.addItem({ command: CommandIDs.fileHistory, selector: file, rank: 20 });
  app.contextMenu.addItem({ command: CommandIDs.restoreFile, selector: file, rank: 21 });
  for (const selector of ['.jp-DirListing-item[data-isdir="true"]', '.jp-DirListing-content']) {
    app.contextMenu.addItem({ command: CommandIDs.deletedHere, selector, rank: 60 });
  }
}
