/** What a person can do with the history of a folder; each action asks what it must, acts, and says what came of it. */

import { FolderActions } from './folders';
import { Recovery } from './recovery';
import { RestoreActions } from './restores';
import { SnapshotActions } from './snapshots';
import { Viewing } from './viewing';
import { Workbench } from './workbench';

export class Actions {
  constructor(readonly bench: Workbench) {
    this.viewing = new Viewing(bench);
    this.snapshots = new SnapshotActions(bench);
    this.restores = new RestoreActions(bench, this.viewing);
    this.recovery = new Recovery(bench, this.viewing);
    this.folders = new FolderActions(bench);
  }

  readonly viewing: Viewing;
  readonly snapshots: SnapshotActions;
  readonly restores: RestoreActions;
  readonly recovery: Recovery;
  readonly folders: FolderActions;
}
