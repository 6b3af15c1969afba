/** What a person can do with runs: look at one, compare several, go back to before one, run it again. */

import { Clipboard, Notification } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { Viewing } from '../actions/viewing';
import { escaped, Offer, Workbench } from '../actions/workbench';
import { askFolder, askRun, confirmed } from '../dialogs';
import { second } from '../format';
import { Operations } from '../model/operations';
import { Restored, Run, Snapshot } from '../shapes';
import { showFailure } from './failing';
import { MOST_COMPARED, RunsModel } from './model';
import { hasFailedCell, isUnderWay, nameOf } from './outcome';
import { tableCell } from './python';
import { Reproduced, verdictWords } from './verdict';

/** The compare tab. */
const COMPARE_TAB = 'jvs-snapshots:compare-tab';

export class RunActions {
  constructor(
    private readonly bench: Workbench,
    private readonly viewing: Viewing,
    private readonly model: RunsModel,
    private readonly notebooks: INotebookTracker | null
  ) {}

  /** What Enter does: show the output, the cell that failed, or what the command changed. */
  open(run: Run): void {
    if (hasFailedCell(run)) {
      this.openFailing(run);
    } else if (!isUnderWay(run) && this.hasOutput(run)) {
      this.openOutput(run);
    } else if (run.after_snapshot_id !== null) {
      this.openChanges(run);
    }
  }

  /** There is one file to be opened: of a notebook its output. */
  hasOutput(run: Run): boolean {
    return !isUnderWay(run) && outputOf(run) !== null;
  }

  /** Open what the run wrote, as it left it: a later run may have written over it. */
  openOutput(run: Run): void {
    void this.bench.attempt(() => this.opened(run));
  }

  /** Open the notebook that the run wrote, at the cell that failed. */
  openFailing(run: Run): void {
    void this.bench.attempt(async () => {
      const widget = await this.opened(run);
      if (widget instanceof NotebookPanel || (widget && 'content' in widget)) {
        await showFailure(widget as NotebookPanel, run.failed_cell ?? null);
      }
    });
  }

  /** Show what the run changed, file by file. */
  openChanges(run: Run): void {
    const { before_snapshot_id, after_snapshot_id } = run;
    if (before_snapshot_id !== null && after_snapshot_id !== null) {
      void this.compareFiles(before_snapshot_id, after_snapshot_id);
    }
  }

  /** Open the compare tab on two snapshots. */
  async compareFiles(from: string, to: string): Promise<void> {
    const { app } = this.bench;
    await this.bench.attempt(() =>
      app.commands.execute(COMPARE_TAB, { path: this.model.path, from, to, file: null })
    );
  }

  /** Compare the selected runs; where only this one is, with the one that metrics are measured against. */
  compare(run: Run | null): void {
    const { model } = this;
    const marked = model.markedRuns;
    const others = run !== null && !model.marked.has(run.run_id) ? [...marked, run] : marked;
    const { baseline } = model;
    const isAlone = others.length === 1 && baseline !== null && baseline.run_id !== others[0].run_id;
    const runs = isAlone ? [baseline, ...others] : inFront(others, baseline);
    if (runs.length < 2) {
      const { trans } = this.bench;
      this.bench.fail(new Error(trans.__('Select two runs or more, with the space bar or their boxes, to compare them.')));
      return;
    }
    model.compare(runs.slice(0, MOST_COMPARED));
  }

  /** Restore the workspace as it was before the run, to a new folder. */
  restoreBefore(run: Run): void {
    void this.bench.attempt(async () => {
      const { trans } = this.bench;
      const { api, path } = this.model;
      const snapshot = await api.get<Snapshot>(`snapshots/${run.before_snapshot_id}`, { path });
      const name = await askFolder(trans, snapshot);
      if (name === null) {
        return;
      }
      const { operations } = this.model;
      const wanted = { path, snapshot: snapshot.snapshot_id, ...(name ? { name } : {}) };
      const made = await operations.run<Restored>('restores', wanted);
      this.bench.model.refreshSoon();
      this.bench.tell(
        trans.__('The workspace as it was before %1 is in the new folder %2.', called(run), made.worktree)
      );
      if (made.contents_path !== null) {
        await this.bench.showFolder(made.contents_path);
      }
    });
  }

  /** Run it again from its before-snapshot, and say whether the same came out. */
  reproduce(run: Run): void {
    void this.bench.attempt(async () => {
      const { trans } = this.bench;
      const { api, path } = this.model;
      let heard = (): void => undefined;
      const operations = new Operations(api, () => heard());
      const title = escaped(trans.__('Reproducing %1…', called(run)));
      const stop = { label: trans.__('Cancel'), callback: () => void this.bench.attempt(() => operations.cancel()) };
      const id = Notification.emit(title, 'in-progress', { autoClose: false, actions: [stop] });
      heard = () => {
        const { progress } = operations.current ?? { progress: null };
        if (progress?.total) {
          const done = Math.min(1, progress.done / progress.total);
          Notification.update({ id, message: title, type: 'in-progress', progress: done, autoClose: false, actions: [stop] });
        }
      };
      try {
        const found = await operations.run<Reproduced>(`runs/${run.run_id}/reproduce`, { path });
        heard = () => undefined;
        const message = escaped(verdictWords(found, called(run), trans));
        const actions = this.offersOf(found, run).map(({ label, act }) => ({ label, callback: act }));
        const type = found.verdict === 'identical' ? 'success' : 'warning';
        Notification.update({ id, message, type, progress: undefined, autoClose: 20_000, actions });
      } catch (error) {
        heard = () => undefined;
        Notification.update({ id, message: title, type: 'info', progress: undefined, autoClose: 1, actions: [] });
        throw error; // what is told then says why
      } finally {
        this.model.refreshSoon();
      }
    });
  }

  /** Ask the process that runs it to stop. */
  cancel(run: Run): void {
    void this.bench.attempt(async () => {
      await this.model.api.post(`runs/${run.run_id}/cancel`, { path: this.model.path });
      this.bench.tell(this.bench.trans.__('Asked %1 to stop.', called(run)));
      this.model.refreshSoon();
    });
  }

  /** Give a run a name and a note. */
  annotate(run: Run): void {
    void this.bench.attempt(async () => {
      const { trans } = this.bench;
      const present = { name: run.name ?? '', note: run.note };
      const answer = await askRun(trans, trans.__('Run of %1', second(run.started_at)), present);
      if (answer !== null) {
        await this.model.api.patch(`runs/${run.run_id}`, {}, { path: this.model.path, ...answer });
        await this.model.refresh();
      }
    });
  }

  /** Remove the records of runs; their snapshots stay. */
  remove(run: Run): void {
    void this.bench.attempt(async () => {
      const { trans } = this.bench;
      const title = trans.__('Remove the record of %1?', called(run));
      const body = trans.__('This removes its parameters and metrics. Its snapshots stay in the history.');
      if (await confirmed(trans, { title, body, accept: trans.__('Remove') })) {
        await this.model.api.delete(`runs/${run.run_id}`, { path: this.model.path });
        await this.model.narrow({});
      }
    });
  }

  /** Save the table, all pages of it, as CSV. */
  download(): void {
    const { api, path, query, sort } = this.model;
    const link = document.createElement('a');
    link.href = api.address('runs/table', { path, where: query.where, q: query.q, sort });
    link.download = 'runs.csv';
    link.click();
  }

  /** Put a cell that loads the table into the notebook where the person was last; else copy its code. */
  toCell(): void {
    const { trans } = this.bench;
    const { query, sort, workspace } = this.model;
    const panel = this.notebooks?.currentWidget ?? null;
    const folder = workspace?.worktree_path ?? null;
    const path = panel ? this.bench.app.serviceManager.contents.localPath(panel.context.path) : '';
    const isInside = folder !== null && (folder === '' || path.startsWith(`${folder}/`));
    const source = tableCell(panel && isInside ? '.' : (workspace?.worktree_root ?? '.'), query, sort);
    const shared = panel && !panel.context.model.readOnly ? panel.content.model?.sharedModel : null;
    if (!panel || !shared) {
      Clipboard.copyToSystem(source);
      this.bench.tell(trans.__('Copied the code of the cell. No notebook is open to put it in.'));
      return;
    }
    const at = shared.cells.length === 0 ? 0 : panel.content.activeCellIndex + 1;
    shared.insertCell(at, { cell_type: 'code', source, metadata: {} });
    panel.content.activeCellIndex = at;
    this.bench.app.shell.activateById(panel.id);
    this.bench.tell(trans.__('A cell that loads this table is in %1.', panel.title.label));
  }

  private async opened(run: Run) {
    const { trans } = this.bench;
    const file = outputOf(run);
    if (file === null) {
      throw new Error(trans.__('%1 wrote no notebook or single file that could be opened.', called(run)));
    }
    const { path, workspace } = this.model;
    if (run.after_snapshot_id !== null && !file.startsWith('/')) {
      return this.viewing.opened({ snapshot_id: run.after_snapshot_id }, file, path);
    }
    const folder = workspace?.worktree_path ?? null;
    if (folder === null || file.startsWith('/') || run.worktree !== workspace?.worktree) {
      throw new Error(trans.__('%1 lies outside this folder, and no snapshot holds it.', file));
    }
    return this.bench.manager.openOrReveal(folder ? `${folder}/${file}` : file) ?? null;
  }

  private offersOf(found: Reproduced, original: Run): Offer[] {
    const { trans } = this.bench;
    const show = { label: trans.__('Show its row'), act: () => void this.model.reveal(found.run_id) };
    const compare = {
      label: trans.__('Compare'),
      act: () =>
        void this.bench.attempt(async () => {
          const again = await this.model.api.get<Run>(`runs/${found.run_id}`, { path: this.model.path });
          if (original.after_snapshot_id && again.after_snapshot_id) {
            await this.compareFiles(original.after_snapshot_id, again.after_snapshot_id);
          }
        })
    };
    return found.verdict === 'identical' ? [] : found.verdict === 'differs' ? [compare, show] : [show];
  }
}

/** The file that a run is about: the notebook it wrote, or the only file that a command made. */
function outputOf(run: Run): string | null {
  return run.output_path ?? (run.outputs?.length === 1 ? run.outputs[0] : null);
}

/** The runs with the one that others are measured against in front, if it is among them. */
function inFront(runs: readonly Run[], baseline: Run | null): Run[] {
  const isBaseline = (run: Run): boolean => run.run_id === baseline?.run_id;
  return [...runs.filter(isBaseline), ...runs.filter(run => !isBaseline(run))];
}

/** A run in the middle of a sentence. */
function called(run: Run): string {
  return run.name ?? `${nameOf(run)} (${second(run.started_at)})`;
}
