/** Putting back what was deleted or overwritten. */

import { baseName, dirName } from '../format';
import { askPlace } from '../dialogs';
import { Deleted, Page, PutBack } from '../shapes';
import { Viewing } from './viewing';
import { Workbench } from './workbench';

/** How long to look for what Lab deleted, in milliseconds: the index hears of it a moment later. */
const LOOK_FOR = 5_000;
const LOOK_AGAIN = 300;

export class Recovery {
  constructor(
    private readonly bench: Workbench,
    private readonly viewing: Viewing
  ) {}

  /** Put a file back where it was; where something is now, beside it under a new name. Nothing is asked. */
  putBack(item: Deleted, to?: string): Promise<void> {
    return this.bench.attempt(async () => {
      const { model, trans } = this.bench;
      const done = await this.put(model.path, item, to);
      const offers = [{ label: trans.__('Open'), act: () => void this.reveal(done) }];
      this.bench.tell(
        done.renamed
          ? trans.__('Put back as %1, because there already is a %2.', baseName(done.file), baseName(item.file))
          : trans.__('%1 is back.', done.file),
        done.path === null ? [] : offers
      );
      await model.refresh();
    });
  }

  /** Put a file back at a place that the person says. */
  putBackTo(item: Deleted): Promise<void> {
    return this.bench.attempt(async () => {
      const to = await askPlace(this.bench.trans, item.file);
      if (to !== null) {
        await this.putBack(item, to);
      }
    });
  }

  /** Show it as it was. */
  open(item: Deleted): Promise<void> {
    return this.viewing.open(item.source, item.file);
  }

  download(item: Deleted): void {
    this.viewing.download(item.source, item.file);
  }

  /** Compare what was with what is there now; a kept copy has no snapshot to compare, and is opened beside. */
  compare(item: Deleted): Promise<void> {
    return 'snapshot_id' in item.source
      ? this.viewing.compare(item.source.snapshot_id, null, item.file)
      : this.open(item);
  }

  /** Say that Lab deleted these paths, with a way back, where a history is kept. */
  async offerUndo(paths: readonly string[]): Promise<void> {
    const { model, trans } = this.bench;
    const folder = dirName(paths[0]);
    const workspace = await model.workspaceOf(folder);
    if (workspace === null || !workspace.can.put_back) {
      return;
    }
    this.bench.tell(
      paths.length === 1
        ? trans.__('%1 deleted.', baseName(paths[0]))
        : trans.__('%1 files deleted.', paths.length),
      [{ label: trans.__('Undo'), act: () => void this.undelete(folder, paths) }]
    );
  }

  /** Put back what Lab just deleted. */
  private undelete(folder: string, paths: readonly string[]): Promise<void> {
    return this.bench.attempt(async () => {
      const { model, trans } = this.bench;
      const done: PutBack[] = [];
      for (const path of paths) {
        for (const item of await this.find(folder, path)) {
          done.push(await this.put(folder, item));
        }
      }
      const [first] = done;
      if (!first) {
        throw new Error(trans.__('The history does not have %1.', paths.map(baseName).join(', ')));
      }
      const open = { label: trans.__('Open'), act: () => void this.reveal(first) };
      this.bench.tell(
        done.length === 1 ? trans.__('%1 is back.', first.file) : trans.__('%1 files are back.', done.length),
        done.length === 1 && first.path !== null ? [open] : []
      );
      await model.refresh();
    });
  }

  /** What was deleted at `path`: the file, or those of the folder that went with it. */
  private async find(folder: string, path: string): Promise<Deleted[]> {
    const { api } = this.bench.model;
    for (let passed = 0; ; passed += LOOK_AGAIN) {
      const query = { path: folder, q: baseName(path), limit: 200 };
      const { items } = await api.get<Page<Deleted>>('deleted', query);
      const file = items.find(item => item.path === path && !item.in_worktree);
      if (file) {
        return [file];
      }
      const below = await this.below(folder, path);
      if (below.length > 0 || passed >= LOOK_FOR) {
        return below;
      }
      await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN));
    }
  }

  /** What went with the folder at `path`: those that are not there now, each in its last version. */
  private async below(folder: string, path: string): Promise<Deleted[]> {
    const { api } = this.bench.model;
    const workspace = await this.bench.model.workspaceOf(path);
    if (!workspace) {
      return [];
    }
    const found = new Map<string, Deleted>();
    let after: string | null = null;
    do {
      const query = { path: folder, dir: workspace.inner_path, limit: 200, after };
      const page: Page<Deleted> = await api.get<Page<Deleted>>('deleted', query);
      for (const item of page.items) {
        if (!item.in_worktree && !found.has(item.file)) {
          found.set(item.file, item);
        }
      }
      after = page.next;
    } while (after !== null);
    return [...found.values()];
  }

  private async put(path: string, item: Deleted, to?: string): Promise<PutBack> {
    const { documents, model } = this.bench;
    const { source } = item;
    const where = 'snapshot_id' in source ? { snapshot: source.snapshot_id } : { copy: source.copy_id };
    const done = await model.operations.run<PutBack>('deleted', {
      path,
      file: item.file,
      ...where,
      ...(to ? { to } : {})
    });
    await this.bench.refreshBrowser();
    if (done.path !== null) {
      await documents.reload(done.path);
    }
    return done;
  }

  private async reveal(done: PutBack): Promise<void> {
    if (done.path !== null) {
      this.bench.manager.openOrReveal(done.path);
    }
  }
}
