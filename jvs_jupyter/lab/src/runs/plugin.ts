/** The plugin of the Runs view, with its commands. */

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IThemeManager, WidgetTracker } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReadonlyPartialJSONObject, UUID } from '@lumino/coreutils';

import { Viewing } from '../actions/viewing';
import { Workbench } from '../actions/workbench';
import { Workspace } from '../api';
import { addToShell } from '../area';
import { Documents } from '../documents';
import { DRIVE, parse } from '../drive';
import { WorkspaceModel } from '../model/workspace';
import { ISnapshots } from '../plugins/panel';
import { RunActions } from './actions';
import { addRunCommands } from './commands';
import { runsIcon } from './icon';
import { RunCommandIDs as C } from './ids';
import { keepLive } from './live';
import { Request, RunsModel } from './model';
import { RunsTab } from './tab';
import { loadEmbed } from './vega';

export const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jvs-snapshots:runs',
  description: 'Shows recorded runs in a table to choose from.',
  autoStart: true,
  requires: [ISnapshots, IDocumentManager],
  optional: [ICommandPalette, IDefaultFileBrowser, ILayoutRestorer, INotebookTracker, IThemeManager, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workspace: WorkspaceModel,
    manager: IDocumentManager,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null,
    themes: IThemeManager | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jvs');
    const documents = new Documents(app, manager);
    const bench = new Workbench(app, workspace, documents, manager, trans);
    const viewing = new Viewing(bench);
    const tracker = new WidgetTracker<RunsTab>({ namespace: 'jvs-runs' });
    const { api } = workspace;
    const { contents } = app.serviceManager;

    const make = (): RunsTab => {
      const model = new RunsModel(api);
      const actions = new RunActions(bench, viewing, model, notebooks);
      const tab = new RunsTab(model, { actions, trans, embed: loadEmbed, theme: () => themes?.theme ?? '' });
      tab.id = `jvs-runs-${UUID.uuid4()}`;
      keepLive(app, tab);
      themes?.themeChanged.connect(tab.update, tab);
      model.changed.connect(() => void tracker.save(tab));
      return tab;
    };
    const open = async (request: Request): Promise<void> => {
      const known = tracker.find(tab => tab.model.isFor(request));
      if (known) {
        app.shell.activateById(known.id);
        await known.model.find(request.run ?? null);
        return;
      }
      const tab = make();
      addToShell(app, tab, 'Runs');
      await tracker.add(tab);
      app.shell.activateById(tab.id);
      await tab.model.open(request);
    };
    void restorer?.restore(tracker, {
      command: C.open,
      args: tab => ({ ...tab.model.request }) as unknown as ReadonlyPartialJSONObject,
      name: tab => `${tab.model.path} ${tab.model.work ?? ''}`
    });

    /** The runs of the notebook at a path, which may be one of an old version. */
    const ofNotebook = (path: string): Promise<void> =>
      bench.attempt(async () => {
        const inner = contents.localPath(path);
        const [start, file] =
          contents.driveName(path) === DRIVE ? [parse(inner).workspace, parse(inner).file] : [inner, null];
        const found = await api.get<Workspace>('workspace', { path: start, limit: 0 });
        await open({ path: found.worktree_path ?? start, work: file ?? found.inner_path });
      });
    const inFront = (): string | null => {
      const widget = app.shell.currentWidget;
      const path = (widget && manager.contextForWidget(widget)?.path) ?? null;
      return path?.endsWith('.ipynb') ? path : null;
    };
    const chosen = (): string | null => {
      const items = browser ? [...browser.selectedItems()] : [];
      return items.length === 1 && items[0].type === 'notebook' ? items[0].path : null;
    };
    const { commands } = app;
    commands.addCommand(C.open, {
      label: trans.__('Runs'),
      icon: runsIcon,
      execute: args => open(args as unknown as Request)
    });
    commands.addCommand(C.folder, {
      label: trans.__('Open the Table of Runs'),
      caption: trans.__('Filter, sort, compare and plot recorded runs'),
      icon: runsIcon,
      execute: args =>
        bench.attempt(async () => {
          const path = documents.currentPath() ?? workspace.path;
          const found = await api.get<Workspace>('workspace', { path, limit: 0 });
          const run = typeof args.run === 'string' ? args.run : null;
          await open({ path: found.worktree_path ?? path, work: null, run });
        })
    });
    commands.addCommand(C.document, {
      label: trans.__('Runs of This Notebook'),
      caption: trans.__('Show the recorded runs of this notebook in a table'),
      icon: runsIcon,
      isEnabled: () => inFront() !== null,
      execute: () => {
        const path = inFront();
        return path === null ? undefined : ofNotebook(path);
      }
    });
    commands.addCommand(C.file, {
      label: trans.__('Runs of This Notebook'),
      icon: runsIcon,
      isVisible: () => chosen() !== null,
      execute: () => {
        const path = chosen();
        return path === null ? undefined : ofNotebook(path);
      }
    });
    for (const command of [C.folder, C.document]) {
      palette?.addItem({ command, category: trans.__('Runs') });
    }
    addRunCommands(app, () => tracker.currentWidget, palette, trans);
  }
};
