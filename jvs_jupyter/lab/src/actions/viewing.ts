/** Looking at what was: a file of a snapshot, and what changed. */

import { showDialog, Dialog } from '@jupyterlab/apputils';
import { IDocumentWidget } from '@jupyterlab/docregistry';

import { drivePath } from '../drive';
import { baseName, moment, shortId } from '../format';
import { Snapshot, Source } from '../shapes';
import { askOther } from '../dialogs';
import { Workbench } from './workbench';

/** The compare tab, where something provides it. */
const COMPARE_TAB = 'jvs-snapshots:compare-tab';
/** The table of runs, where something provides it. */
const RUNS_TABLE = 'jvs-snapshots:runs-of-folder';
/** What is looked at to tell whether a file is text. */
const LOOKED_AT = 8192;

export class Viewing {
  constructor(private readonly bench: Workbench) {}

  /** Show what changed from a snapshot to another or, with null, to now; of one file, when one is named. */
  async compare(from: string, to: string | null, file: string | null = null): Promise<void> {
    const { app, model } = this.bench;
    if (app.commands.hasCommand(COMPARE_TAB)) {
      await app.commands.execute(COMPARE_TAB, { path: model.path, from, to: to ?? 'now', file });
    } else {
      model.showBelow({ kind: 'changes', from, to });
    }
  }

  /** Open the table of runs, at one of them if it is named. */
  runs(run: string | null): Promise<void> {
    return this.bench.attempt(() => this.bench.app.commands.execute(RUNS_TABLE, { run }));
  }

  /** Compare a snapshot with another one, which the person chooses. */
  async compareWith(snapshot: Snapshot): Promise<void> {
    const { model, trans } = this.bench;
    const others = model.timeline.items.filter(item => item.snapshot_id !== snapshot.snapshot_id);
    const other = await askOther(trans, snapshot, others);
    if (other !== null) {
      const [from, to] = [snapshot.snapshot_id, other].sort();
      await this.compare(from, to);
    }
  }

  /** Show a file as it was, read-only; what is no text, and has no viewer, is downloaded. */
  open(source: Source, file: string, workspace = this.bench.model.path): Promise<void> {
    return this.bench.attempt(async () => {
      await this.opened(source, file, workspace);
    });
  }

  /** The same; the document that shows the file, null where none does. */
  async opened(source: Source, file: string, workspace: string): Promise<IDocumentWidget | null> {
    const { app, manager, model, trans } = this.bench;
    const path = drivePath(workspace, source, file);
    const types = app.docRegistry.getFileTypesForPath(file);
    const isShown = types.some(type => type.fileFormat === 'base64' || type.contentType === 'notebook');
    if (!isShown && !isText(await model.api.beginning(workspace, source, file, LOOKED_AT))) {
      await this.offerDownload(source, file, workspace);
      return null;
    }
    const widget = manager.openOrReveal(path);
    if (widget) {
      const session = widget.context.sessionContext;
      session.kernelPreference = { ...session.kernelPreference, shouldStart: false, canStart: false };
      await widget.revealed;
      const id = 'snapshot_id' in source ? source.snapshot_id : source.copy_id;
      widget.title.caption = trans.__('As it was at %1 (%2), read-only', takenAt(id), shortId(id));
    }
    return widget ?? null;
  }

  /** Save a file as it was among the person's downloads. */
  download(source: Source, file: string, workspace = this.bench.model.path): void {
    const link = document.createElement('a');
    link.href = this.bench.model.api.contentUrl(workspace, source, file);
    link.download = baseName(file);
    link.click();
  }

  private async offerDownload(source: Source, file: string, workspace: string): Promise<void> {
    const { trans } = this.bench;
    const answer = await showDialog({
      title: trans.__('%1 is not text', baseName(file)),
      body: trans.__('JupyterLab cannot show it here. You can download it as it was.'),
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Download') })]
    });
    if (answer.button.accept) {
      this.download(source, file, workspace);
    }
  }
}

function takenAt(id: string): string {
  return moment(new Date(Number(id.slice(0, 13))).toISOString());
}

/** Whether the beginning of a file is UTF-8 without NUL; a character that is cut at its end does not matter. */
export function isText(beginning: Uint8Array): boolean {
  if (beginning.includes(0)) {
    return false;
  }
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(beginning, { stream: true });
    return true;
  } catch {
    return false;
  }
}
