/** Open documents around a snapshot and a restore: saved before, reloaded after. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { Widget } from '@lumino/widgets';

import { differs } from './edits';

export class Documents {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly manager: IDocumentManager
  ) {}

  /** The path, in the contents API's sense, of the document in front; null when that is none on disk. */
  currentPath(): string | null {
    const widget = this.app.shell.currentWidget;
    const context = widget ? this.manager.contextForWidget(widget) : undefined;
    return context && this.isOnDisk(context) ? this.localPath(context) : null;
  }

  /** Whether an old version of something is in front, or a comparison: neither says where the person works. */
  get isElsewhere(): boolean {
    const widget = this.app.shell.currentWidget;
    const context = widget ? this.manager.contextForWidget(widget) : undefined;
    return context ? !this.isOnDisk(context) : (widget?.id.startsWith('jvs-') ?? false);
  }

  /** Save every open document below `folder` that has unsaved edits; return the paths of those saved. */
  async saveBelow(folder: string): Promise<string[]> {
    const saved: string[] = [];
    for (const context of this.below(folder)) {
      if (context.model.dirty && !context.model.readOnly) {
        await context.save();
        saved.push(this.localPath(context));
      }
    }
    return saved;
  }

  /** Paths below `folder` of open documents that a person edited and did not save. */
  async unsavedBelow(folder: string): Promise<string[]> {
    return (await this.editedBelow(folder)).map(context => this.localPath(context));
  }

  /** Save every open document below `folder` that a person edited; others stay as the disk has them. */
  async saveEditsBelow(folder: string): Promise<void> {
    for (const context of await this.editedBelow(folder)) {
      await context.save();
    }
  }

  /** Open documents below `from` and their kernels move over to the same files below `to`. */
  async moveOver(from: string, to: string): Promise<void> {
    for (const context of this.below(from)) {
      const path = this.localPath(context);
      const moved = `${to}${path.slice(from.length)}`;
      const widget = this.manager.findWidget(path);
      await context.sessionContext.session?.setPath(moved);
      widget?.dispose();
      this.manager.openOrReveal(moved);
    }
  }

  /** Reload the document at `path` from disk, if it is open. */
  async reload(path: string): Promise<void> {
    const open = this.below(path.split('/').slice(0, -1).join('/'));
    await open.find(context => this.localPath(context) === path)?.revert();
  }

  /** Reload every open document below `folder` from disk; return the paths that are no longer there. */
  async reloadBelow(folder: string): Promise<string[]> {
    const gone: string[] = [];
    for (const context of this.below(folder)) {
      try {
        await context.revert();
      } catch {
        gone.push(this.localPath(context));
      }
    }
    return gone;
  }

  /** Paths below `folder` that real-time collaboration holds: its store may write an older version back. */
  sharedBelow(folder: string): string[] {
    return this.below(folder)
      .filter(context => this.isShared(context))
      .map(context => this.localPath(context));
  }

  /** Lab calls a document dirty that it only wrote the kernel's name into. */
  private async editedBelow(folder: string): Promise<DocumentRegistry.Context[]> {
    const edited: DocumentRegistry.Context[] = [];
    for (const context of this.below(folder)) {
      if (context.model.dirty && !context.model.readOnly && (await this.isEdited(context))) {
        edited.push(context);
      }
    }
    return edited;
  }

  private async isEdited(context: DocumentRegistry.Context): Promise<boolean> {
    if (this.isShared(context)) {
      return true;
    }
    try {
      const type = context.contentsModel?.type === 'notebook' ? 'notebook' : 'file';
      const format = type === 'notebook' ? 'json' : 'text';
      const { contents } = this.app.serviceManager;
      return differs(context.model, await contents.get(context.path, { type, format, content: true }));
    } catch {
      return true; // what cannot be read from disk is only in the document
    }
  }

  private below(folder: string): DocumentRegistry.Context[] {
    const prefix = folder ? `${folder}/` : '';
    const found = new Set<DocumentRegistry.Context>();
    for (const area of ['main', 'left', 'right', 'down']) {
      for (const widget of this.widgets(area)) {
        const context = this.manager.contextForWidget(widget);
        if (context && this.isOnDisk(context) && this.localPath(context).startsWith(prefix)) {
          found.add(context);
        }
      }
    }
    return [...found];
  }

  private widgets(area: string): Widget[] {
    try {
      return [...this.app.shell.widgets(area)];
    } catch {
      return []; // Notebook 7's shell knows fewer areas than JupyterLab's
    }
  }

  private isOnDisk(context: DocumentRegistry.Context): boolean {
    const drive = this.app.serviceManager.contents.driveName(context.path);
    return drive === '' || this.isShared(context);
  }

  private isShared(context: DocumentRegistry.Context): boolean {
    return this.app.serviceManager.contents.driveName(context.path) === 'RTC';
  }

  private localPath(context: DocumentRegistry.Context): string {
    return this.app.serviceManager.contents.localPath(context.path);
  }
}
