/** The plugins: the Snapshots panel with its commands, and the status bar's item. */

import { JupyterFrontEnd, JupyterFrontEndPlugin, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ServerConnection } from '@jupyterlab/services';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';

import { Actions } from './actions';
import { Api, CHANGE_EVENT, Operation, OPERATION_EVENT } from './api';
import { addCommands, CommandIDs } from './commands';
import { Documents } from './documents';
import { SnapshotDrive } from './drive';
import { WorkspaceModel } from './model';
import { PANEL_ID, SnapshotsPanel } from './panel';
import { StatusItem } from './status';

const PLUGIN_ID = 'jvs-snapshots:panel';

export const ISnapshots = new Token<WorkspaceModel>(
  'jvs-snapshots:ISnapshots',
  'The workspace around the current document, its snapshots and the work under way.'
);

const panel: JupyterFrontEndPlugin<WorkspaceModel> = {
  id: PLUGIN_ID,
  description: 'Takes, shows, compares and restores snapshots of the workspace.',
  autoStart: true,
  provides: ISnapshots,
  requires: [IDocumentManager],
  optional: [ICommandPalette, IDefaultFileBrowser, ILayoutRestorer, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    manager: IDocumentManager,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jvs');
    const api = new Api(ServerConnection.makeSettings());
    const model = new WorkspaceModel(api);
    const documents = new Documents(app, manager);
    const actions = new Actions(app, model, documents, manager, trans);
    app.serviceManager.contents.addDrive(new SnapshotDrive(api));

    const widget = new SnapshotsPanel(model, actions, trans);
    app.shell.add(widget, 'left', { rank: 150, type: 'Snapshots' });
    restorer?.add(widget, PANEL_ID);
    addCommands(app, model, actions, palette, browser);

    const follow = (): void => {
      if (documents.isElsewhere) {
        return;
      }
      const path = documents.currentPath();
      void (path === null ? model.follow(browser?.model.path ?? '', true) : model.follow(path, false));
    };
    app.shell.currentChanged?.connect(follow);
    browser?.model.pathChanged.connect(follow);
    void app.restored.then(follow);
    document.addEventListener('visibilitychange', () => {
      model.visible = !document.hidden && widget.isVisible;
    });
    app.serviceManager.contents.fileChanged.connect((_, change) => {
      if (change.type === 'save' || change.type === 'delete' || change.type === 'rename') {
        model.refreshSoon();
      }
    });
    app.serviceManager.events.stream.connect((_, event) => {
      if (event.schema_id === OPERATION_EVENT) {
        model.heardOf(event as unknown as Operation);
      } else if (event.schema_id === CHANGE_EVENT) {
        model.refreshSoon();
      }
    });
    void registry?.load(PLUGIN_ID).then(settings => {
      const apply = (): void => {
        model.pageSize = settings.get('pageSize').composite as number;
      };
      settings.changed.connect(apply);
      apply();
    });
    return model;
  }
};

const status: JupyterFrontEndPlugin<void> = {
  id: 'jvs-snapshots:status',
  description: 'Shows worktree, head and changes in the status bar.',
  autoStart: true,
  requires: [ISnapshots, IStatusBar],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: WorkspaceModel,
    bar: IStatusBar,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jvs');
    model.watched = true;
    model.visible = !document.hidden;
    const item = new StatusItem(model, trans, () => void app.commands.execute(CommandIDs.show));
    bar.registerStatusItem(status.id, {
      item,
      align: 'left',
      rank: 60,
      isActive: () => model.workspace !== null,
      activeStateChanged: model.changed
    });
  }
};

export default [panel, status];
