/** Documents that are open: what they show, unsaved edits included. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';

/** Where real-time collaboration keeps documents. */
const SHARED = 'RTC';

/** What an open document shows. */
export interface Shown {
  /** Text; of a notebook its JSON. */
  content: string;
  /** Of each cell its id, also where the notebook's format writes none; null for other documents. */
  cells: string[] | null;
}

export class Present {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly manager: IDocumentManager
  ) {}

  /** The widget in which the document at `path` is open. */
  widget(path: string): IDocumentWidget | null {
    const names = [path, `${SHARED}:${path}`];
    return names.map(name => this.manager.findWidget(name, null)).find(found => found !== undefined) ?? null;
  }

  context(path: string): DocumentRegistry.Context | null {
    const widget = this.widget(path);
    return (widget && this.manager.contextForWidget(widget)) ?? null;
  }

  /** The notebook at `path`, if it is open and may be changed. */
  notebook(path: string): NotebookPanel | null {
    const widget = this.widget(path);
    // Notebook 7 has a class of its own for the same panel
    const panel = widget instanceof NotebookPanel || (widget && 'content' in widget) ? (widget as NotebookPanel) : null;
    return panel && isNotebook(panel.context) && panel.content.model && !panel.content.model.readOnly ? panel : null;
  }

  /** Open the notebook at `path` beside another widget, and wait until its cells are there. */
  async open(path: string, beside: string | null): Promise<NotebookPanel | null> {
    const options = { mode: 'split-right' as const, ref: beside ?? undefined, activate: false };
    const widget = this.manager.openOrReveal(path, undefined, undefined, options);
    await widget?.context.ready;
    return this.notebook(path);
  }

  /** What the document at `path` shows; null where it is not open, or shows what is on disk. */
  shown(path: string): Shown | null {
    const context = this.context(path);
    if (!context?.isReady || !context.model.dirty || context.model.readOnly) {
      return null;
    }
    return isNotebook(context) ? shownNotebook(context.model as INotebookModel) : this.shownText(context);
  }

  /** The id of each cell of the notebook at `path`, if it is open. */
  cells(path: string): string[] | null {
    const model = this.notebook(path)?.content.model;
    return model ? idsOf(model) : null;
  }

  /** Save the document at `path`, if it has unsaved edits. */
  async save(path: string): Promise<void> {
    const context = this.context(path);
    if (context?.model.dirty && !context.model.readOnly) {
      await context.save();
    }
  }

  /** Show what is on disk in the document at `path`, if it is open. */
  async reload(path: string): Promise<void> {
    await this.context(path)?.revert();
  }

  private shownText(context: DocumentRegistry.Context): Shown | null {
    const format = this.app.docRegistry.getFileTypesForPath(context.path)[0]?.fileFormat;
    return format === 'base64' ? null : { content: context.model.toString(), cells: null };
  }
}

function isNotebook(context: DocumentRegistry.Context): boolean {
  return context.contentsModel?.type === 'notebook';
}

function shownNotebook(model: INotebookModel): Shown {
  const notebook = model.toJSON() as any;
  for (const cell of notebook.cells) {
    delete cell.metadata?.trusted; // what this page knows of a cell is no part of the file
  }
  return { content: JSON.stringify(notebook), cells: idsOf(model) };
}

function idsOf(model: INotebookModel): string[] {
  return model.sharedModel.cells.map(cell => cell.getId());
}
