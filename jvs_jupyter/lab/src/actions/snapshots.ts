/** Taking snapshots, and what is said about them. */

import { Clipboard } from '@jupyterlab/apputils';

import { askAnnotation, askRef } from '../dialogs';
import { shortId } from '../format';
import { Snapshot } from '../shapes';
import { Workbench } from './workbench';

export class SnapshotActions {
  constructor(private readonly bench: Workbench) {}

  /** Take a snapshot without asking anything; unsaved documents are saved first, so that it holds what is on the screen. */
  take(note = ''): Promise<void> {
    return this.bench.attempt(async () => {
      const { documents, folder, model, trans } = this.bench;
      await documents.saveBelow(folder);
      const made = await model.run<Snapshot>('snapshots', { note });
      const edit = { label: trans.__('Edit note'), act: () => void this.edit({ ...made, tags: made.tags ?? [] }) };
      this.bench.tell(
        made.degraded.length > 0
          ? trans.__('Snapshot taken; not kept: %1', made.degraded.join(', '))
          : trans.__('Snapshot taken.'),
        note ? [] : [edit]
      );
    });
  }

  /** Edit the note and the tags. */
  edit(snapshot: Pick<Snapshot, 'snapshot_id' | 'created_at' | 'note' | 'tags'>): Promise<void> {
    return this.bench.attempt(async () => {
      const { model, trans } = this.bench;
      const wanted = await askAnnotation(trans, snapshot);
      if (wanted === null) {
        return;
      }
      const add_tags = wanted.tags.filter(tag => !snapshot.tags.includes(tag));
      const remove_tags = snapshot.tags.filter(tag => !wanted.tags.includes(tag));
      const note = wanted.note === snapshot.note ? null : wanted.note;
      if (note !== null || add_tags.length + remove_tags.length > 0) {
        await model.change('PATCH', `snapshots/${snapshot.snapshot_id}`, { note, add_tags, remove_tags });
      }
    });
  }

  /** Give it a name for good. */
  name(snapshot: Snapshot): Promise<void> {
    return this.bench.attempt(async () => {
      const { model, trans } = this.bench;
      const name = await askRef(trans, snapshot);
      if (name !== null) {
        await model.change('POST', 'refs', { name, snapshot: snapshot.snapshot_id });
      }
    });
  }

  /** Keep it whatever clean-up says. */
  pin(snapshot: Snapshot): Promise<void> {
    return this.bench.attempt(() =>
      this.bench.model.change('POST', 'pins', { snapshot: snapshot.snapshot_id, reason: 'from the panel' })
    );
  }

  unpin(snapshot: Snapshot): Promise<void> {
    return this.bench.attempt(async () => {
      for (const pin of snapshot.pins) {
        await this.bench.model.change('DELETE', `pins/${pin}`, {});
      }
    });
  }

  copyId(snapshot: Snapshot): void {
    Clipboard.copyToSystem(snapshot.snapshot_id);
    this.bench.tell(this.bench.trans.__('Copied %1', shortId(snapshot.snapshot_id)));
  }
}
