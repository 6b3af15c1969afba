/** The plugin of the compare tab, with its commands. */

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, ToolbarButton, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReadonlyPartialJSONObject, UUID } from '@lumino/coreutils';
import { DisposableDelegate, IDisposable } from '@lumino/disposable';

import { Workbench } from '../actions/workbench';
import { addToShell } from '../area';
import { Documents } from '../documents';
import { DRIVE, parse } from '../drive';
import { ISnapshots } from '../plugins/panel';
import { WorkspaceModel } from '../model/workspace';
import { CompareActions } from './actions';
import { compareIcon } from './icon';
import { keepLive } from './live';
import { CompareModel } from './model';
import { Request } from './place';
import { Present } from './present';
import { CompareTab } from './tab';
import { TAKEN_CLASS, undoTaken } from './take';
import { Tools } from './tools';

export const CommandIDs = {
  /** Open a comparison: `{path, from?, to?, file?}`. */
  open: 'jvs-snapshots:compare-tab',
  document: 'jvs-snapshots:compare-document',
  file: 'jvs-snapshots:compare-file',
  undoTaken: 'jvs-snapshots:undo-taken-cell'
} as const;

/** Viewers of old versions that get a button; notebooks have theirs in the toolbar anyway. */
const VIEWERS = ['Editor', 'CSVTable', 'TSVTable', 'Image', 'Markdown Preview', 'JSON'];

export const comparePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jvs-snapshots:compare',
  description: 'Shows what changed inside files between two times.',
  autoStart: true,
  requires: [ISnapshots, IDocumentManager, IRenderMimeRegistry],
  optional: [
    IEditorLanguageRegistry,
    ICommandPalette,
    IDefaultFileBrowser,
    ILayoutRestorer,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    workspace: WorkspaceModel,
    manager: IDocumentManager,
    rendermime: IRenderMimeRegistry,
    languages: IEditorLanguageRegistry | null,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jvs');
    const tools: Tools = { rendermime, languages, trans };
    const bench = new Workbench(app, workspace, new Documents(app, manager), manager, trans);
    const present = new Present(app, manager);
    const tracker = new WidgetTracker<CompareTab>({ namespace: 'jvs-compare' });
    const { api } = workspace;

    const make = (): CompareTab => {
      const model = new CompareModel(api, app.serviceManager.contents, present);
      const actions = new CompareActions(bench, api, manager, present, model, () => tab.id);
      const tab: CompareTab = new CompareTab(model, tools, actions);
      tab.id = `jvs-compare-${UUID.uuid4()}`;
      keepLive(app, tab);
      model.changed.connect(() => void tracker.save(tab));
      return tab;
    };
    const open = async (request: Request): Promise<void> => {
      const known = tracker.find(tab => tab.model.isFor(request));
      const tab = known ?? make();
      if (!known) {
        addToShell(app, tab, 'Compare');
        await tracker.add(tab);
      }
      app.shell.activateById(tab.id);
      await tab.model.open(request);
    };
    void restorer?.restore(tracker, {
      command: CommandIDs.open,
      args: tab => ({ ...tab.model.request }) as unknown as ReadonlyPartialJSONObject,
      name: tab => `${tab.model.request.path} ${tab.model.file ?? ''}`
    });

    /** The path of the document in front, and of an old version also when it is from. */
    const inFront = (): Request | null => {
      const widget = app.shell.currentWidget;
      const context = widget && manager.contextForWidget(widget);
      return context ? requestFor(app, context) : null;
    };
    const chosen = (): string | null => {
      const items = browser ? [...browser.selectedItems()] : [];
      return items.length === 1 && items[0].type !== 'directory' ? items[0].path : null;
    };
    const { commands } = app;
    commands.addCommand(CommandIDs.open, {
      label: trans.__('What Changed'),
      icon: compareIcon,
      execute: args => open(args as unknown as Request)
    });
    commands.addCommand(CommandIDs.document, {
      label: trans.__('Compare with an Older Version…'),
      caption: trans.__('See what changed in this document, unsaved edits included'),
      icon: compareIcon,
      isEnabled: () => inFront() !== null,
      execute: () => {
        const request = inFront();
        return request ? open(request) : undefined;
      }
    });
    commands.addCommand(CommandIDs.file, {
      label: trans.__('Compare with an Older Version…'),
      icon: compareIcon,
      isVisible: () => chosen() !== null,
      execute: () => {
        const path = chosen();
        return path === null ? undefined : open({ path });
      }
    });
    palette?.addItem({ command: CommandIDs.document, category: trans.__('Snapshots') });
    addUndo(app, trans.__('Undo “Take Old Cell”'));
    addButtons(app, context => {
      const request = requestFor(app, context);
      return request && new ToolbarButton({
        icon: compareIcon,
        label: trans.__('Compare with now'),
        onClick: () => void open(request)
      });
    });
  }
};

function requestFor(app: JupyterFrontEnd, context: DocumentRegistry.Context): Request | null {
  const { contents } = app.serviceManager;
  const drive = contents.driveName(context.path);
  const path = contents.localPath(context.path);
  if (drive !== DRIVE) {
    return { path };
  }
  const { workspace, source, file } = parse(path);
  return 'snapshot_id' in source ? { path: workspace, from: source.snapshot_id, file } : null;
}

/** Ctrl Z in a notebook takes the cell back that was taken last, unless something was edited since. */
function addUndo(app: JupyterFrontEnd, label: string): void {
  const taken = (): NotebookPanel['content'] | null => {
    const widget = app.shell.currentWidget as NotebookPanel | null;
    return widget?.content?.hasClass?.(TAKEN_CLASS) ? widget.content : null;
  };
  app.commands.addCommand(CommandIDs.undoTaken, {
    label,
    isEnabled: () => taken() !== null,
    execute: () => {
      const notebook = taken();
      if (notebook) {
        undoTaken(notebook);
      }
    }
  });
  app.commands.addKeyBinding({
    command: CommandIDs.undoTaken,
    keys: ['Accel Z'],
    selector: `.jp-Notebook.${TAKEN_CLASS}`
  });
}

/** A button in the toolbar of every old version that is open. */
function addButtons(
  app: JupyterFrontEnd,
  buttonFor: (context: DocumentRegistry.Context) => ToolbarButton | null
): void {
  const { contents } = app.serviceManager;
  for (const viewer of VIEWERS) {
    app.docRegistry.addWidgetExtension(viewer, {
      createNew: (widget: IDocumentWidget, context: DocumentRegistry.Context): IDisposable | void => {
        const button = contents.driveName(context.path) === DRIVE ? buttonFor(context) : null;
        if (button) {
          widget.toolbar.addItem('jvs-compare', button);
          return new DisposableDelegate(() => button.dispose());
        }
      }
    });
  }
}
