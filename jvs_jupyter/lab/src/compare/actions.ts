/** What a person can do with an older version: restore it, open it, save it, take a cell of it. */

import { IDocumentManager } from '@jupyterlab/docmanager';
import { Notebook, NotebookActions } from '@jupyterlab/notebook';

import { Workbench } from '../actions/workbench';
import { Api } from '../api';
import { askOverwrite } from '../dialogs';
import { drivePath } from '../drive';
import { baseName, clock } from '../format';
import { Operations } from '../model/operations';
import { Compared } from './compared';
import { CompareModel } from './model';
import { oldCell } from './old_cell';
import { Version } from './place';
import { Present } from './present';
import { TabActions } from './tab';
import { takeCell, wasTaken } from './take';

/** What the log says of a restore. */
const REASON = 'from the compare tab';

export class CompareActions implements TabActions {
  constructor(
    private readonly bench: Workbench,
    api: Api,
    private readonly manager: IDocumentManager,
    private readonly present: Present,
    private readonly model: CompareModel,
    /** Where to open documents beside. */
    private readonly tab: () => string | null
  ) {
    this.operations = new Operations(api, () => undefined);
  }

  /** Put the older version where the file is; what is there is kept in the history first. */
  restore(compared: Compared): void {
    void this.bench.attempt(async () => {
      const { trans } = this.bench;
      const { old, place } = compared;
      if (!old) {
        return;
      }
      const path = place.contentsPath(old.file);
      const isUnsaved = path !== null && this.present.shown(path) !== null;
      const replaces = compared.new !== null && compared.new.file === old.file;
      if (replaces && !(await askOverwrite(trans, old.file, clock(takenAt(old.at)), isUnsaved))) {
        return;
      }
      if (path !== null) {
        await this.present.save(path);
      }
      const force = replaces ? { inplace: true, confirm: true, reason: REASON } : {};
      await this.operations.run('restores', { path: place.path, snapshot: old.at, file: old.file, ...force });
      await this.reloaded(path);
      const undo = { label: trans.__('Undo'), act: () => this.undoRestore(compared) };
      this.bench.tell(trans.__('%1 is as it was at %2.', old.file, clock(takenAt(old.at))), replaces ? [undo] : []);
    });
  }

  /** Open a version read-only, beside the comparison. */
  openBeside(version: Version, compared: Compared): void {
    void this.bench.attempt(async () => {
      const path = drivePath(compared.place.path, { snapshot_id: version.at }, version.file);
      const widget = this.manager.openOrReveal(path, undefined, undefined, {
        mode: 'split-right',
        ref: this.tab() ?? undefined
      });
      if (widget) {
        const session = widget.context.sessionContext;
        session.kernelPreference = { ...session.kernelPreference, shouldStart: false, canStart: false };
      }
    });
  }

  /** Save a version among the person's downloads. */
  download(version: Version, compared: Compared): void {
    void this.bench.attempt(async () => {
      const link = document.createElement('a');
      link.href = await compared.place.url(version);
      link.download = baseName(version.file);
      link.click();
    });
  }

  /** Put an old cell back into the open notebook; a notebook that is not open is opened. */
  take(compared: Compared, at: number): void {
    void this.bench.attempt(async () => {
      const { trans } = this.bench;
      const { old, place, difference } = compared;
      const path = place.contentsPath(compared.file);
      const detail = difference?.detail?.kind === 'notebook' ? difference.detail : null;
      if (!old || path === null || !detail) {
        return;
      }
      const wasOpen = this.present.notebook(path);
      const panel = wasOpen ?? (await this.present.open(path, this.tab()));
      const ids = compared.cells ?? this.present.cells(path);
      if (!panel || !ids) {
        throw new Error(trans.__('%1 is not open in this window: open it, then take the cell.', compared.file));
      }
      const change = detail.cells[at];
      const cells = await compared.cellsOf(old);
      const cell = oldCell(change, cells?.[change.old_index ?? -1], detail.formats[0]?.startsWith('4') ?? false);
      const refusal = takeCell(panel, detail.cells, at, ids, cell);
      if (refusal !== null) {
        this.model.refreshSoon();
        throw new Error(
          refusal === 'running'
            ? trans.__('This cell is running: nothing changed.')
            : trans.__('The notebook changed since the comparison: nothing was taken. Look again.')
        );
      }
      this.taken = panel.content;
      this.bench.tell(trans.__('The old cell is in %1. Ctrl+Z takes it back.', baseName(compared.file)), [
        { label: trans.__('Undo'), act: () => void this.undo() }
      ]);
    });
  }

  /** Take the last cell taken, back. */
  undo(): boolean {
    const notebook = this.taken;
    if (notebook && wasTaken(notebook)) {
      NotebookActions.undo(notebook);
      return true;
    }
    return false;
  }

  private undoRestore(compared: Compared): void {
    void this.bench.attempt(async () => {
      await this.operations.run('undo', { path: compared.place.path, confirm: true });
      await this.reloaded(compared.place.contentsPath(compared.file));
    });
  }

  private async reloaded(path: string | null): Promise<void> {
    if (path !== null) {
      await this.present.reload(path);
    }
    await this.bench.refreshBrowser();
    await this.model.refresh();
  }

  private readonly operations: Operations;
  private taken: Notebook | null = null;
}

function takenAt(id: string): string {
  return new Date(Number(id.slice(0, 13))).toISOString();
}
