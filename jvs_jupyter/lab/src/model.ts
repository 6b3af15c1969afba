/** What the panel and the status bar show: the workspace around the current path, and the work under way. */

import { Signal, ISignal } from '@lumino/signaling';
import { UUID } from '@lumino/coreutils';

import {
  Api,
  Change,
  ComparisonPage,
  FileEntry,
  Initialized,
  JvsError,
  Operation,
  Page,
  Run,
  Snapshot,
  Workspace
} from './api';

/** How long to wait before asking about an operation whose events do not come, in milliseconds. */
const ASK_AGAIN = 500;
/** Events close together cause one refresh, in milliseconds. */
const SETTLE = 300;

export class WorkspaceModel {
  constructor(private readonly api: Api) {}

  /** Emitted whenever anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** How many snapshots a page of the timeline holds. */
  pageSize = 50;
  /** Something shows the workspace even while the panel is hidden. */
  watched = false;
  path = '';
  isFolder = true;
  workspace: Workspace | null = null;
  snapshots: Snapshot[] = [];
  runs = new Map<string, Run>();
  /** The operation under way, or null. */
  operation: Operation | null = null;
  loading = false;
  /** Why the workspace could not be fetched. */
  unreachable: JvsError | Error | null = null;
  /** What the last action ended with. */
  error: JvsError | Error | null = null;
  /** What was done last, in words, and what should be known about it. */
  notice: { text: string; notes: readonly string[] } | null = null;
  /** Show the snapshots of all worktrees, not only what led to the head. */
  everything = false;
  /** Only snapshots in which this file changed, when one is named. */
  file: string | null = null;

  /** Whether anything is shown at all: while not, nothing is fetched. */
  set visible(visible: boolean) {
    this._visible = visible || (this.watched && !document.hidden);
    if (this._visible && this.stale) {
      void this.refresh();
    }
  }

  get hasMore(): boolean {
    return this.next !== null;
  }

  /** The folder that the current path lies in. */
  get folder(): string {
    return this.isFolder ? this.path : this.path.split('/').slice(0, -1).join('/');
  }

  /** Show the workspace around `path`, a folder or a document. */
  async follow(path: string, isFolder: boolean): Promise<void> {
    const folder = this.workspace?.worktree_path ?? undefined;
    const inside =
      folder !== undefined && (folder === '' || path === folder || path.startsWith(`${folder}/`));
    this.path = path;
    this.isFolder = isFolder;
    if (!inside || this.stale) {
      await this.refresh();
    }
  }

  /** Fetch everything anew, once for however many calls come close together. */
  refreshSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.refresh(), SETTLE);
  }

  async refresh(): Promise<void> {
    if (!this._visible) {
      this.stale = true;
      return;
    }
    this.stale = false;
    const turn = ++this.turn;
    this.loading = true;
    this._changed.emit();
    try {
      const workspace = await this.findWorkspace();
      if (turn !== this.turn) {
        return;
      }
      this.workspace = workspace;
      if (workspace) {
        await this.loadFirst(turn);
      } else {
        this.snapshots = [];
        this.next = null;
      }
      this.unreachable = null;
    } catch (error) {
      if (turn === this.turn) {
        this.unreachable = error as Error;
      }
    } finally {
      if (turn === this.turn) {
        this.loading = false;
        this._changed.emit();
      }
    }
  }

  /** Append the next page of the timeline. */
  async more(): Promise<void> {
    if (this.next === null || this.loadingMore) {
      return;
    }
    this.loadingMore = true;
    const turn = this.turn;
    try {
      const page = await this.page(this.next);
      if (turn === this.turn) {
        this.snapshots = [...this.snapshots, ...page.items];
        this.next = page.next;
        this._changed.emit();
      }
    } catch (error) {
      this.fail(error as Error);
    } finally {
      this.loadingMore = false;
    }
  }

  /** Start something on the server and follow it to its end; its result, or the error it ended with. */
  async run<R>(route: string, body: object): Promise<R> {
    const key = UUID.uuid4();
    const started = await this.api.post<{ operation: Operation<R> }>(
      route,
      { path: this.path, ...body },
      key
    );
    try {
      return await this.complete(started.operation);
    } finally {
      this.operation = null;
      await this.refresh();
    }
  }

  /** Ask the server to stop the operation under way. */
  async cancel(): Promise<void> {
    if (this.operation) {
      await this.api.delete(`operations/${this.operation.id}`, {});
    }
  }

  /** Change something that is done at once, then show what came of it. */
  async change<T>(method: 'POST' | 'DELETE', route: string, values: Record<string, string>): Promise<T> {
    try {
      return method === 'POST'
        ? await this.api.post<T>(route, { path: this.path, ...values })
        : await this.api.delete<T>(route, { path: this.path, ...values });
    } finally {
      await this.refresh();
    }
  }

  /** Make a repository. */
  async create(values: { path: string; from: string }): Promise<Initialized> {
    const answer = await this.api.post<Initialized | { operation: Operation<Initialized> }>(
      'repositories',
      values,
      UUID.uuid4()
    );
    try {
      return 'operation' in answer ? await this.complete(answer.operation) : answer;
    } finally {
      this.operation = null;
      await this.refresh();
    }
  }

  /** Say what was done. */
  tell(text: string, notes: readonly string[] = []): void {
    this.error = null;
    this.notice = { text, notes };
    this._changed.emit();
  }

  /** Say what went wrong. */
  fail(error: JvsError | Error): void {
    this.notice = null;
    this.error = error;
    this._changed.emit();
  }

  /** Clear what was said last. */
  dismiss(): void {
    this.error = null;
    this.notice = null;
    this._changed.emit();
  }

  /** Take in an event about an operation, perhaps the one under way. */
  heardOf(told: Omit<Operation, 'result'>): void {
    if (told.id === this.operation?.id) {
      this.operation = { ...this.operation, ...told };
      this.wake?.();
      this._changed.emit();
    }
  }

  /** Show the snapshots of all worktrees, or only what led to the head. */
  async showEverything(everything: boolean): Promise<void> {
    this.everything = everything;
    await this.refresh();
  }

  /** Show only the snapshots in which `file`, a path inside the worktree, changed; null shows all again. */
  async showFile(file: string | null): Promise<void> {
    this.file = file;
    await this.refresh();
  }

  /** Show only the snapshots in which the document at `path` changed. */
  async showHistoryOf(path: string): Promise<void> {
    this.path = path;
    this.isFolder = false;
    await this.refresh();
    await this.showFile(this.workspace?.inner_path ?? null);
  }

  /** The first `limit` changes between two snapshots (`to` null: the worktree as it is), and how many there are. */
  async compare(from: string, to: string | null, limit: number): Promise<{ items: Change[]; total: number }> {
    const query = { path: this.path, from, to, limit };
    const page = await this.api.get<ComparisonPage>('compare', query);
    const { added, modified, removed } = page.counts;
    return { items: page.items, total: added + modified + removed };
  }

  /** One page of a folder of a snapshot. */
  files(snapshot: string, dir: string, after: string | null): Promise<Page<FileEntry>> {
    return this.api.get(`snapshots/${snapshot}/files`, { path: this.path, dir, after });
  }

  private async findWorkspace(): Promise<Workspace | null> {
    try {
      return await this.api.get<Workspace>('workspace', { path: this.path });
    } catch (error) {
      if (error instanceof JvsError && error.code === 'E_NOT_A_REPOSITORY') {
        return null;
      }
      throw error;
    }
  }

  private async loadFirst(turn: number): Promise<void> {
    const page = await this.page(null);
    if (turn === this.turn) {
      this.snapshots = page.items;
      this.next = page.next;
      void this.loadRuns(turn);
    }
  }

  /** The badges may come later than the timeline, and a failure here does not hide it. */
  private async loadRuns(turn: number): Promise<void> {
    try {
      const runs = await this.api.get<Page<Run>>('runs', { path: this.path, limit: 200 });
      if (turn === this.turn) {
        const made = runs.items.filter(run => run.after_snapshot_id !== null);
        this.runs = new Map(made.map(run => [run.after_snapshot_id as string, run]));
        this._changed.emit();
      }
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private page(before: string | null): Promise<Page<Snapshot>> {
    return this.api.get('snapshots', { path: this.path, limit: this.pageSize, before, file: this.file, all: this.everything });
  }

  private async complete<R>(started: Operation<R>): Promise<R> {
    this.operation = started;
    this._changed.emit();
    for (;;) {
      const now = this.operation as Operation<R> | null;
      if (now?.state === 'done' && now.result !== null) {
        return now.result;
      }
      if (now?.state === 'failed' && now.error) {
        throw new JvsError(409, now.error);
      }
      if (now?.state === 'cancelled') {
        throw new Error('cancelled');
      }
      await this.nextWord();
      const asked = await this.api.get<{ operation: Operation<R> }>(`operations/${started.id}`, {});
      this.operation = asked.operation;
      this._changed.emit();
    }
  }

  /** Wait for an event about the operation, or for a moment. */
  private nextWord(): Promise<void> {
    return new Promise(resolve => {
      const timer = window.setTimeout(resolve, ASK_AGAIN);
      this.wake = () => {
        window.clearTimeout(timer);
        resolve();
      };
    });
  }


  private readonly _changed = new Signal<this, void>(this);
  private _visible = false;
  private stale = true;
  private turn = 0;
  private next: string | null = null;
  private loadingMore = false;
  private timer = 0;
  private wake: (() => void) | null = null;
}
