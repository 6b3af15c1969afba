/** The plugin of the panel, with its commands. */

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ServerConnection } from '@jupyterlab/services';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';

import { Actions } from '../actions';
import { Workbench } from '../actions/workbench';
import { Api } from '../api';
import { addCommands } from '../commands';
import { Documents } from '../documents';
import { SnapshotDrive } from '../drive';
import { WorkspaceModel } from '../model/workspace';
import { PANEL_ID, SnapshotsPanel } from '../panel';
import { offerUndoOfDeletions } from './deletions';
import { keepLive } from './live';
import { saveBeforeSnapshots } from './magics';
import { Settings } from './settings';

export const ISnapshots = new Token<WorkspaceModel>(
  'jvs-snapshots:ISnapshots',
  'The workspace around the current document, its snapshots and the work under way.'
);

export const panelPlugin: JupyterFrontEndPlugin<WorkspaceModel> = {
  id: 'jvs-snapshots:panel',
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
    const actions = new Actions(new Workbench(app, model, documents, manager, trans));
    const settings = new Settings();
    app.serviceManager.contents.addDrive(new SnapshotDrive(api));

    const widget = new SnapshotsPanel({ model, actions, trans });
    app.shell.add(widget, 'left', { rank: 150, type: 'Snapshots' });
    restorer?.add(widget, PANEL_ID);

    addCommands(app, model, actions, palette, browser);
    keepLive(app, model, documents, browser);
    offerUndoOfDeletions(app.serviceManager.contents, actions.recovery, () => settings.tellOfDeletions);
    saveBeforeSnapshots(model, () => settings.saveBeforeMagic);
    void registry?.load(panelPlugin.id).then(loaded => {
      const apply = (): void => {
        settings.take(loaded);
        model.timeline.pageSize = settings.pageSize;
      };
      loaded.changed.connect(apply);
      apply();
    });
    return model;
  }
};
