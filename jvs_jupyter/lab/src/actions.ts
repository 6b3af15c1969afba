/** What a person can do with snapshots; each action asks what it must, acts, and shows what came of it. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { TranslationBundle } from '@jupyterlab/translation';

import { Change, JvsError, Restored, RestoredInPlace, Snapshot } from './api';
import { askInPlace, askRef, askSnapshot, askWorktree } from './dialogs';
import { Documents } from './documents';
import { drivePath } from './drive';
import { shortId } from './format';
import { WorkspaceModel } from './model';

/** Changes shown before an in-place restore; the rest is counted. */
const SHOWN = 50;
const SIGNS = { added: '+', modified: '~', removed: '-' };

export class Actions {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: WorkspaceModel,
    private readonly documents: Documents,
    private readonly manager: IDocumentManager,
    readonly trans: TranslationBundle
  ) {}

  /** Take a snapshot; unsaved documents are saved first, so that it holds what is on the screen. */
  snapshot(): Promise<void> {
    return this.attempt(async folder => {
      const wanted = await askSnapshot(this.trans, this.documents.sharedBelow(folder));
      if (wanted) {
        await this.documents.saveBelow(folder);
        const made = await this.model.run<Snapshot>('snapshots', wanted);
        this.model.tell(this.trans.__('Created snapshot %1', shortId(made.snapshot_id)), made.degraded);
      }
    });
  }

  /** Open a file as a snapshot holds it, read-only. */
  async open(snapshot: string, file: string): Promise<void> {
    const path = drivePath(this.model.path, snapshot, file);
    const widget = this.manager.openOrReveal(path);
    if (widget) {
      const session = widget.context.sessionContext;
      session.kernelPreference = { ...session.kernelPreference, shouldStart: false, canStart: false };
      await widget.revealed;
      widget.title.caption = this.trans.__('As in snapshot %1, read-only', snapshot);
    }
  }

  restore(snapshot: string): Promise<void> {
    return this.attempt(async () => {
      const name = await askWorktree(this.trans, shortId(snapshot));
      if (name !== null) {
        const made = await this.model.run<Restored>('restores', { snapshot, ...(name ? { name } : {}) });
        this.model.tell(this.trans.__('Restored snapshot %1 to %2', shortId(snapshot), made.path));
        await this.show(made.contents_path);
      }
    });
  }

  /** Make the worktree what it was; open documents are reloaded, kernels run on. */
  restoreInPlace(snapshot: string): Promise<void> {
    const what = this.trans.__('Snapshot %1', shortId(snapshot));
    return this.inPlace('restores', { snapshot, inplace: true }, what);
  }

  /** Take the last in-place restore back; what it would change, work done since included, is shown first. */
  undo(): Promise<void> {
    return this.inPlace('undo', { force: true }, this.trans.__('What was here before the last in-place restore'));
  }

  /** Put one file back as a snapshot holds it. */
  restoreFile(snapshot: string, file: string): Promise<void> {
    return this.attempt(async folder => {
      const what = this.trans.__('%1 of snapshot %2', file, shortId(snapshot));
      const shared = this.documents.sharedBelow(folder);
      const reason = await askInPlace(this.trans, what, [`~ ${file}`], 1, shared);
      if (reason !== null) {
        await this.documents.saveBelow(folder);
        const values = { snapshot, file, inplace: true, confirm: true, reason };
        await this.model.run('restores', values);
        await this.reload(folder);
        this.model.tell(this.trans.__('Restored %1', file));
      }
    });
  }

  name(snapshot: string): Promise<void> {
    return this.attempt(async () => {
      const name = await askRef(this.trans, shortId(snapshot));
      if (name !== null) {
        await this.model.change('POST', 'refs', { name, snapshot });
      }
    });
  }

  lock(): Promise<void> {
    return this.attempt(() => this.model.change('POST', 'locks', {}));
  }

  release(): Promise<void> {
    return this.attempt(() => this.model.change('DELETE', 'locks', {}));
  }

  /** Turn a folder into a repository beside it; the folder itself stays as it is. */
  async adopt(): Promise<void> {
    const from = this.model.folder;
    const path = `${from || 'workspace'}-jvs`;
    const answer = await showDialog({
      title: this.trans.__('Version this folder'),
      body: this.trans.__(
        'Makes the repository %1 from a copy of this folder, sharing its data where the file system can. This folder stays as it is; work on in %1/main.',
        path
      ),
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: this.trans.__('Make it') })]
    });
    if (answer.button.accept) {
      await this.guarded(async () => {
        const made = await this.model.create({ path, from });
        await this.show(made.contents_path === null ? null : `${made.contents_path}/main`);
      });
    }
  }

  private inPlace(route: string, values: object, what: string): Promise<void> {
    return this.attempt(async folder => {
      await this.documents.saveBelow(folder);
      const preview = await this.model.run<RestoredInPlace>(route, { ...values, reason: 'preview', dry_run: true });
      const changes = describe(preview);
      const shared = this.documents.sharedBelow(folder);
      const reason = await askInPlace(this.trans, what, changes.slice(0, SHOWN), changes.length, shared);
      if (reason === null) {
        return;
      }
      await this.model.run<RestoredInPlace>(route, { ...values, reason, confirm: true });
      const gone = await this.reload(folder);
      const notes = gone.map(path => this.trans.__('%1 is open and no longer there', path));
      this.model.tell(this.trans.__('Restored in place: %1', what), notes);
    });
  }

  private reload(folder: string): Promise<string[]> {
    return this.documents.reloadBelow(folder);
  }

  /** Show a folder in the file browser: here in JupyterLab, in a new page in Notebook 7. */
  private async show(folder: string | null): Promise<void> {
    if (folder === null) {
      return;
    }
    if (this.app.commands.hasCommand('filebrowser:go-to-path')) {
      await this.app.commands.execute('filebrowser:go-to-path', { path: folder });
    } else {
      window.open(URLExt.join(PageConfig.getBaseUrl(), 'tree', URLExt.encodeParts(folder)), '_blank');
    }
  }

  private attempt(act: (folder: string) => Promise<unknown>): Promise<void> {
    return this.guarded(() => act(this.model.workspace?.worktree_path ?? this.model.folder));
  }

  private async guarded(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.model.fail(error as JvsError | Error);
    }
  }
}

function describe(preview: RestoredInPlace): string[] {
  return (Object.keys(SIGNS) as Change['change'][]).flatMap(change =>
    preview[change].map(path => `${SIGNS[change]} ${path}`)
  );
}
