/** Commands of the palette and of the file browser's context menu. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';

import { Actions } from './actions';
import { snapshotsIcon } from './icon';
import { WorkspaceModel } from './model';
import { PANEL_ID } from './panel';

export const CommandIDs = {
  show: 'jvs:show-panel',
  snapshot: 'jvs:take-snapshot',
  undo: 'jvs:undo-restore',
  refresh: 'jvs:refresh',
  fileHistory: 'jvs:file-history',
  restoreFile: 'jvs:restore-file'
};

export function addCommands(
  app: JupyterFrontEnd,
  model: WorkspaceModel,
  actions: Actions,
  palette: ICommandPalette | null,
  browser: IDefaultFileBrowser | null
): void {
  const { trans } = actions;
  const { commands } = app;
  const show = (): void => app.shell.activateById(PANEL_ID);

  commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Snapshots'),
    icon: snapshotsIcon,
    execute: show
  });
  commands.addCommand(CommandIDs.snapshot, {
    label: trans.__('Take a Snapshot…'),
    icon: snapshotsIcon,
    isEnabled: () => model.workspace === null || model.workspace.can.snapshot,
    execute: async () => {
      show();
      await model.refresh();
      await actions.snapshot();
    }
  });
  commands.addCommand(CommandIDs.undo, {
    label: trans.__('Undo the Last In-Place Restore…'),
    isEnabled: () => model.workspace?.can.undo ?? false,
    execute: () => actions.undo()
  });
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Snapshots'),
    execute: () => model.refresh()
  });

  /** The one file chosen in the file browser; null when it is a folder, or several. */
  const chosen = (): string | null => {
    const items = browser ? [...browser.selectedItems()] : [];
    return items.length === 1 && items[0].type !== 'directory' ? items[0].path : null;
  };
  const history = async (): Promise<void> => {
    const path = chosen();
    if (path !== null) {
      show();
      await model.showHistoryOf(path);
    }
  };
  commands.addCommand(CommandIDs.fileHistory, {
    label: trans.__('History of This File'),
    icon: snapshotsIcon,
    isVisible: () => chosen() !== null,
    execute: history
  });
  commands.addCommand(CommandIDs.restoreFile, {
    label: trans.__('Restore This File From…'),
    isVisible: () => chosen() !== null,
    execute: history
  });
  if (browser) {
    for (const [rank, command] of [CommandIDs.fileHistory, CommandIDs.restoreFile].entries()) {
      app.contextMenu.addItem({ command, selector: '.jp-DirListing-item[data-isdir="false"]', rank: 20 + rank });
    }
  }
  for (const command of [CommandIDs.show, CommandIDs.snapshot, CommandIDs.undo, CommandIDs.refresh]) {
    palette?.addItem({ command, category: trans.__('Snapshots') });
  }
}
