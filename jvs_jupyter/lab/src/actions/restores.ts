/** Going back: to a new folder, in place, and taking that back. */

import { JvsError } from '../api';
import { askFolder, askGoBack, askOverwrite } from '../dialogs';
import { clock, shortId, timeOf } from '../format';
import { Change, Restored, RestoredInPlace, Snapshot } from '../shapes';
import { Viewing } from './viewing';
import { Workbench } from './workbench';

const KINDS: readonly Change['change'][] = ['modified', 'added', 'removed'];
/** What the log says when a person gives no reason. */
const REASON = 'from the panel';

type Point = Pick<Snapshot, 'snapshot_id' | 'created_at' | 'note'>;

export class RestoreActions {
  constructor(
    private readonly bench: Workbench,
    private readonly viewing: Viewing
  ) {}

  /** Restore a snapshot to a new folder, and show that. Nothing that exists is touched. */
  toFolder(snapshot: Point): Promise<void> {
    return this.bench.attempt(async () => {
      const { model, trans } = this.bench;
      const name = await askFolder(trans, snapshot);
      if (name === null) {
        return;
      }
      const made = await model.run<Restored>('restores', {
        snapshot: snapshot.snapshot_id,
        ...(name ? { name } : { named: true })
      });
      const { contents_path } = made;
      this.bench.tell(trans.__('%1 is in the new folder %2.', this.called(snapshot), made.worktree));
      if (contents_path !== null) {
        await this.bench.showFolder(contents_path);
      }
    });
  }

  /** Make everything here what it was; open documents are reloaded, kernels run on. What changes is shown first. */
  goBack(snapshot: Point, title?: string): Promise<void> {
    return this.bench.attempt(async () => {
      const { documents, folder, model, trans } = this.bench;
      const values = { snapshot: snapshot.snapshot_id, inplace: true };
      const preview = await model.run<RestoredInPlace>('restores', { ...values, dry_run: true, reason: REASON });
      const changes = changesOf(preview);
      const unsaved = await documents.unsavedBelow(folder);
      if (changes.length + unsaved.length === 0) {
        this.bench.tell(trans.__('Everything here is already as it was then: nothing changes.'));
        return;
      }
      const reason = await askGoBack(trans, {
        title: title ?? trans.__('Go back to %1', this.called(snapshot)),
        changes,
        unsaved,
        shared: documents.sharedBelow(folder)
      });
      if (reason === null) {
        return;
      }
      await documents.saveEditsBelow(folder);
      const done = await model.run<RestoredInPlace>('restores', {
        ...values,
        reason: reason || REASON,
        confirm: true
      });
      await documents.reloadBelow(folder);
      await this.bench.refreshBrowser();
      this.tellDone(trans.__('Went back to %1.', timeOf(snapshot.created_at)), done);
    });
  }

  /** Go back to a snapshot of which only the id is known. */
  goBackTo(id: string): Promise<void> {
    const { model } = this.bench;
    return this.bench.attempt(async () =>
      this.goBack(await model.api.get<Snapshot>(`snapshots/${id}`, { path: model.path }))
    );
  }

  /** Take the last going back, back; when something else happened since, offer to go back to before it. */
  undo(): Promise<void> {
    return this.retrace('undo', this.bench.trans.__('Undone: everything is as it was before.'));
  }

  redo(): Promise<void> {
    return this.retrace('redo', this.bench.trans.__('Redone: the undo is taken back.'));
  }

  /** Put one file back as a snapshot holds it; no reason is asked. */
  file(snapshot: Point, file: string): Promise<void> {
    return this.bench.attempt(async () => {
      const { documents, folder, model, trans } = this.bench;
      const { items, total } = await model.compare(snapshot.snapshot_id, null, 1000);
      const change = items.find(item => item.path === file)?.change ?? null;
      const edited = await documents.unsavedBelow(folder);
      const unsaved = edited.filter(path => path === join(folder, file));
      if (change === null && total <= items.length && unsaved.length === 0) {
        this.bench.tell(trans.__('%1 is already as it was then: nothing changes.', file));
        return;
      }
      const replaces = change !== 'removed';
      if (replaces && !(await askOverwrite(trans, file, this.called(snapshot), unsaved.length > 0))) {
        return;
      }
      if (replaces) {
        await documents.saveEditsBelow(folder);
      }
      const values = { snapshot: snapshot.snapshot_id, file };
      const force = replaces ? { inplace: true, confirm: true, reason: REASON } : {};
      await model.run('restores', { ...values, ...force });
      await documents.reloadBelow(folder);
      await this.bench.refreshBrowser();
      this.bench.tell(
        trans.__('%1 is as it was at %2.', file, timeOf(snapshot.created_at)),
        replaces ? [{ label: trans.__('Undo'), act: () => void this.undo() }] : []
      );
    });
  }

  private retrace(route: 'undo' | 'redo', text: string): Promise<void> {
    return this.bench.attempt(async () => {
      const { documents, folder, model } = this.bench;
      await documents.saveEditsBelow(folder);
      try {
        const done = await model.run<RestoredInPlace>(route, { confirm: true });
        await documents.reloadBelow(folder);
        await this.bench.refreshBrowser();
        this.tellDone(text, done);
      } catch (error) {
        const point = await this.pointIn(error);
        if (point === null) {
          throw error;
        }
        await this.offerInstead(point);
      }
    });
  }

  /** Something else happened since: say so, and offer what would still lead there. */
  private async offerInstead(point: Point): Promise<void> {
    const { trans } = this.bench;
    const time = timeOf(point.created_at);
    await this.goBack(
      point,
      point.note
        ? trans.__('Something else changed since then. Go back to %1, %2?', time, point.note.split('\n')[0])
        : trans.__('Something else changed since then. Go back to %1?', time)
    );
  }

  /** The snapshot that a refused undo names. */
  private async pointIn(error: unknown): Promise<Point | null> {
    if (!(error instanceof JvsError) || error.code !== 'E_NOTHING_TO_UNDO') {
      return null;
    }
    const id = /[0-9]{13}-[0-9a-f]{8}/.exec(error.detail.hint ?? '')?.[0];
    const { model } = this.bench;
    return id ? model.api.get<Snapshot>(`snapshots/${id}`, { path: model.path }) : null;
  }

  private tellDone(text: string, done: RestoredInPlace): void {
    const { trans } = this.bench;
    const before = done.pre_restore_snapshot_id;
    const undo = { label: trans.__('Undo'), act: () => void this.undo() };
    const compare = { label: trans.__('Compare'), act: () => before && void this.viewing.compare(before, null) };
    this.bench.tell(
      before ? `${text} ${trans.__('The history keeps what was here as %1.', clockOf(before))}` : text,
      before ? [undo, compare] : []
    );
  }

  private called(snapshot: Point): string {
    const time = timeOf(snapshot.created_at);
    const note = snapshot.note.split('\n')[0];
    return note ? `${time}, ${note}` : `${time} (${shortId(snapshot.snapshot_id)})`;
  }
}

function join(folder: string, file: string): string {
  return folder ? `${folder}/${file}` : file;
}

function clockOf(id: string): string {
  return clock(new Date(Number(id.slice(0, 13))).toISOString());
}

function changesOf(preview: RestoredInPlace): Change[] {
  return KINDS.flatMap(change => preview[change].map(path => ({ path, change })));
}
