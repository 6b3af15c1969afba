/** Folders with a history: starting one, its worktrees, its lock, and whether it is kept automatically. */

import { JvsError } from '../api';
import { askName, confirmed } from '../dialogs';
import { Adoption, Initialized, Run, TimelineState, Worktree } from '../shapes';
import { Workbench } from './workbench';

export class FolderActions {
  constructor(private readonly bench: Workbench) {}

  /**
   * Begin to keep a history of a folder, in place; only where that cannot be, a copy gets it and the work moves over.
   * `withoutCaches` leaves known caches out of its snapshots.
   */
  keepHistory(withoutCaches = false): Promise<void> {
    return this.bench.attempt(async () => {
      const { documents, model, trans } = this.bench;
      const { folder } = model;
      const plan = await model.api.get<Adoption>('adoption', { path: folder });
      if (plan.how === null) {
        throw new Error(plan.reason?.message ?? trans.__('JVS cannot keep a history of this folder.'));
      }
      if (plan.how === 'copy' && !(await this.mayCopy(plan))) {
        return;
      }
      await documents.saveBelow(folder);
      const left = withoutCaches ? { exclude_caches: true } : {};
      if (plan.how === 'rename') {
        await model.operations.run('repositories', { path: folder, adopt: true, ...left });
      } else {
        const values = { path: plan.repo_path, from: folder, ...left };
        const made = await model.operations.run<Initialized>('repositories', values);
        await this.moveTo(folder, made);
      }
      await model.refresh();
      this.bench.tell(trans.__('JVS keeps a history of this folder from now on.'));
    });
  }

  automatic(on: boolean): Promise<void> {
    return this.bench.attempt(() => this.bench.model.change<TimelineState>('POST', 'timeline', { on }));
  }

  lock(): Promise<void> {
    return this.bench.attempt(() => this.bench.model.change('POST', 'locks', {}));
  }

  release(): Promise<void> {
    return this.bench.attempt(() => this.bench.model.change('DELETE', 'locks', {}));
  }

  openWorktree(worktree: Worktree): Promise<void> {
    return this.bench.attempt(async () => {
      if (worktree.contents_path === null) {
        throw new Error(this.bench.trans.__('%1 lies outside the folder that this server shows.', worktree.path));
      }
      await this.bench.showFolder(worktree.contents_path);
    });
  }

  renameWorktree(worktree: Worktree): Promise<void> {
    return this.bench.attempt(async () => {
      const { model, trans } = this.bench;
      const name = await askName(trans, trans.__('Rename %1', worktree.name), worktree.name);
      if (name !== null && name !== worktree.name) {
        await model.change('PATCH', `worktrees/${worktree.name}`, { name });
      }
    });
  }

  /** Remove a worktree's folder; its snapshots stay. */
  removeWorktree(worktree: Worktree): Promise<void> {
    return this.bench.attempt(async () => {
      const { model, trans } = this.bench;
      const title = trans.__('Remove the folder %1?', worktree.name);
      const accept = trans.__('Remove');
      if (!(await confirmed(trans, { title, body: trans.__('Its snapshots stay.'), accept }))) {
        return;
      }
      const route = `worktrees/${worktree.name}`;
      try {
        await model.change('DELETE', route, {});
      } catch (error) {
        if (!(error instanceof JvsError) || error.code !== 'E_UNSAVED_CHANGES') {
          throw error;
        }
        const body = trans.__(
          'It has changes that are in no snapshot. JVS keeps them in a last snapshot for 30 days. It does not keep a repository inside.'
        );
        if (!(await confirmed(trans, { title, body, accept: trans.__('Keep them, and remove') }))) {
          return;
        }
        await model.change('DELETE', route, { force: true });
      }
      this.bench.tell(trans.__('Removed %1; its snapshots stay.', worktree.name));
    });
  }

  /** Open the notebook that a run wrote, as it is now. */
  openOutput(run: Run): Promise<void> {
    return this.bench.attempt(async () => {
      const { manager, model, trans } = this.bench;
      const root = model.workspace?.worktree_root ?? '';
      const folder = model.workspace?.worktree_path ?? null;
      const path = run.output_path ?? '';
      const inner = path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
      if (folder === null || inner.startsWith('/')) {
        throw new Error(trans.__('%1 lies outside the folder that this server shows.', path));
      }
      manager.openOrReveal(folder ? `${folder}/${inner}` : inner);
    });
  }

  private mayCopy(plan: Adoption): Promise<boolean> {
    const { trans } = this.bench;
    return confirmed(trans, {
      title: trans.__('Only a copy can have a history'),
      body: trans.__(
        '%1. JVS makes a copy in %2/main. Open documents and their kernels move to the copy. This folder does not change.',
        plan.reason?.message ?? trans.__('This folder cannot be moved'),
        plan.repo_path ?? ''
      ),
      accept: trans.__('Make a copy')
    });
  }

  private async moveTo(folder: string, made: Initialized): Promise<void> {
    if (made.contents_path !== null) {
      const main = `${made.contents_path}/main`;
      await this.bench.documents.moveOver(folder, main);
      await this.bench.showFolder(main);
    }
  }
}
