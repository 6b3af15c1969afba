/** What the panel and the status bar show: the workspace around the current path. */

import { Signal, ISignal } from '@lumino/signaling';

import { Api, JvsError } from '../api';
import {
  Adoption,
  Change,
  ComparisonPage,
  Deleted,
  ErrorObject,
  FileEntry,
  Page,
  Run,
  Snapshot,
  Workspace,
  Worktree
} from '../shapes';
import { PagedList } from './list';
import { Operations } from './operations';

/** What there is to show of a path. */
export type State =
  | { kind: 'loading' }
  /** It lies in a repository that the server must not use. */
  | { kind: 'outside'; error: ErrorObject }
  /** No history is kept of it. */
  | { kind: 'none' }
  | { kind: 'ready'; workspace: Workspace }
  | { kind: 'unreachable'; error: Error };

export const TABS = ['timeline', 'deleted', 'runs', 'worktrees'] as const;
export type Tab = (typeof TABS)[number];

/** What is shown below the timeline. */
export type Below =
  | { kind: 'files'; snapshot: Snapshot }
  /** `to` null: the worktree as it is. */
  | { kind: 'changes'; from: string; to: string | null };

/** Events close together cause one refresh, in milliseconds. */
const SETTLE = 300;

export class WorkspaceModel {
  constructor(readonly api: Api) {
    const tell = (): void => this._changed.emit();
    this.operations = new Operations(api, tell);
    this.timeline = new PagedList<Snapshot>(
      (before, limit) =>
        api.get('snapshots', {
          path: this.path,
          limit,
          before,
          q: this.filter,
          file: this.file,
          everywhere: this.everywhere
        }),
      tell
    );
    this.deleted = new PagedList<Deleted>(
      (after, limit) =>
        api.get('deleted', { path: this.path, q: this.search, dir: this.deletedFrom, limit, after }),
      tell
    );
    this.runs = new PagedList<Run>((after, limit) => api.get('runs', { path: this.path, limit, after }), tell);
    this.worktrees = new PagedList<Worktree>(() => api.get('worktrees', { path: this.path }), tell);
  }

  readonly operations: Operations;
  readonly timeline: PagedList<Snapshot>;
  readonly deleted: PagedList<Deleted>;
  readonly runs: PagedList<Run>;
  readonly worktrees: PagedList<Worktree>;

  path = '';
  isFolder = true;
  state: State = { kind: 'loading' };
  /** What keeping a history of the folder would take; null while it is counted, or where it is not asked. */
  adoption: Adoption | Error | null = null;

  /** Only snapshots with these words, tags (`#tag`) or file names. */
  filter = '';
  /** Only snapshots in which this file changed, when one is named. */
  file: string | null = null;
  /** Also snapshots of other worktrees. */
  everywhere = false;
  /** Only deleted files with this in their names. */
  search = '';
  /** Only files deleted from this folder of the worktree, when one is named. */
  deletedFrom = '';

  /** The key of the row that is chosen in each list. */
  readonly chosen: Record<Tab, string | null> = { timeline: null, deleted: null, runs: null, worktrees: null };
  below: Below | null = null;

  /** Emitted whenever anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get workspace(): Workspace | null {
    return this.state.kind === 'ready' ? this.state.workspace : null;
  }

  get tab(): Tab {
    return this._tab;
  }

  /** The folder that the current path lies in. */
  get folder(): string {
    return this.isFolder ? this.path : this.path.split('/').slice(0, -1).join('/');
  }

  /** Say what is in sight: the panel, or only something that shows how the workspace stands. */
  inSight(what: 'panel' | 'status', yes: boolean): void {
    yes ? this.shown.add(what) : this.shown.delete(what);
    if (yes) {
      void this.refresh();
    }
  }

  /** Show the workspace around `path`, a folder or a document. */
  async follow(path: string, isFolder: boolean): Promise<void> {
    if (path !== this.path || isFolder !== this.isFolder) {
      this.path = path;
      this.isFolder = isFolder;
      this.adoption = null;
      if (!this.contains(path)) {
        this.leave();
      }
    }
    await this.refresh();
  }

  async show(tab: Tab): Promise<void> {
    this._tab = tab;
    this._changed.emit();
    await this.refreshList();
  }

  choose(tab: Tab, key: string): void {
    this.chosen[tab] = key;
    this._changed.emit();
  }

  /** The item of a list that is chosen; null when it is not there. */
  get chosenSnapshot(): Snapshot | null {
    return this.timeline.items.find(item => item.snapshot_id === this.chosen.timeline) ?? null;
  }

  get chosenDeleted(): Deleted | null {
    return this.deleted.items.find(item => keyOfDeleted(item) === this.chosen.deleted) ?? null;
  }

  get chosenRun(): Run | null {
    return this.runs.items.find(item => item.run_id === this.chosen.runs) ?? null;
  }

  get chosenWorktree(): Worktree | null {
    return this.worktrees.items.find(item => item.name === this.chosen.worktrees) ?? null;
  }

  showBelow(below: Below | null): void {
    this.below = below;
    this._changed.emit();
  }

  /** Fetch everything anew, once for however many calls come close together. */
  refreshSoon(): void {
    this.timer ??= window.setTimeout(() => void this.refresh(), SETTLE);
  }

  /** Fetch everything that is in sight anew; what is there stays until the answer comes. */
  refresh(): Promise<void> {
    window.clearTimeout(this.timer);
    this.timer = undefined;
    this.asked += 1;
    this.refreshing ??= this.refreshWhileAsked().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  /** Change what the timeline shows, and fetch that. */
  async narrow(to: Partial<Pick<WorkspaceModel, 'filter' | 'file' | 'everywhere'>>): Promise<void> {
    Object.assign(this, to);
    this._changed.emit();
    await this.timeline.refresh();
  }

  /** Change which deleted files are shown, and fetch them. */
  async seek(to: Partial<Pick<WorkspaceModel, 'search' | 'deletedFrom'>>): Promise<void> {
    Object.assign(this, to);
    this._changed.emit();
    await this.deleted.refresh();
  }

  /** Start something on the server and follow it to its end; then show what came of it. */
  async run<R>(route: string, body: object): Promise<R> {
    try {
      return await this.operations.run<R>(route, { path: this.path, ...body });
    } finally {
      await this.refresh();
    }
  }

  /** Change something that is done at once, then show what came of it. */
  async change<T>(method: 'POST' | 'PATCH' | 'DELETE', route: string, values: Record<string, any>): Promise<T> {
    const body = { path: this.path, ...values };
    try {
      return await (method === 'POST'
        ? this.api.post<T>(route, body)
        : method === 'PATCH'
          ? this.api.patch<T>(route, {}, body)
          : this.api.delete<T>(route, body));
    } finally {
      await this.refresh();
    }
  }

  /** The first `limit` changes between two snapshots (`to` null: the worktree as it is), and how many there are. */
  async compare(from: string, to: string | null, limit: number): Promise<{ items: Change[]; total: number }> {
    const page = await this.api.get<ComparisonPage>('compare', { path: this.path, from, to, limit });
    const { added, modified, removed } = page.counts;
    return { items: page.items, total: added + modified + removed };
  }

  /** One page of a folder of a snapshot. */
  files(snapshot: string, dir: string, after: string | null): Promise<Page<FileEntry>> {
    return this.api.get(`snapshots/${snapshot}/files`, { path: this.path, dir, after });
  }

  /** The workspace around another path than the current one; null where there is none. */
  async workspaceOf(path: string): Promise<Workspace | null> {
    try {
      return await this.api.get<Workspace>('workspace', { path, limit: 0 });
    } catch (error) {
      if (error instanceof JvsError) {
        return null;
      }
      throw error;
    }
  }

  /** One refresh at a time, and one more when it was asked for meanwhile: however often that is, each is shown. */
  private async refreshWhileAsked(): Promise<void> {
    let answered: number;
    do {
      answered = this.asked;
      if (this.shown.size > 0 && !document.hidden) {
        await this.refreshOnce();
      }
    } while (answered !== this.asked);
  }

  private async refreshOnce(): Promise<void> {
    const { path } = this;
    const [state] = await Promise.all([this.look(), this.workspace ? this.refreshList() : null]);
    if (path !== this.path) {
      return;
    }
    const isNew = workspaceOf(state)?.worktree_root !== this.workspace?.worktree_root;
    this.state = state;
    this._changed.emit();
    if (state.kind === 'ready' && isNew) {
      await this.refreshList();
    } else if (state.kind === 'none') {
      await this.estimate();
    }
  }

  private async look(): Promise<State> {
    try {
      return { kind: 'ready', workspace: await this.api.get<Workspace>('workspace', { path: this.path }) };
    } catch (error) {
      if (!(error instanceof JvsError)) {
        return { kind: 'unreachable', error: error as Error };
      }
      switch (error.code) {
        case 'E_NOT_A_REPOSITORY':
          return { kind: 'none' };
        case 'E_OUTSIDE_ROOT':
          return { kind: 'outside', error: error.detail };
        default:
          return { kind: 'unreachable', error };
      }
    }
  }

  /** Fetch the list of the tab that is in sight; the others come when they are. */
  private async refreshList(): Promise<void> {
    if (this.shown.has('panel')) {
      await this[this.tab].refresh();
    }
  }

  /** Ask once for each folder what keeping a history of it would take. */
  private async estimate(): Promise<void> {
    if (this.adoption !== null || !this.shown.has('panel')) {
      return;
    }
    const folder = this.folder;
    const found = await this.api
      .get<Adoption>('adoption', { path: folder })
      .catch((error: Error) => error);
    if (folder === this.folder && this.state.kind === 'none') {
      this.adoption = found;
      this._changed.emit();
    }
  }

  private contains(path: string): boolean {
    const folder = this.workspace?.worktree_path ?? null;
    return folder !== null && (folder === '' || path === folder || path.startsWith(`${folder}/`));
  }

  /** Another workspace is to be shown: nothing of this one stays. */
  private leave(): void {
    this.state = { kind: 'loading' };
    this.filter = this.search = this.deletedFrom = '';
    this.file = this.below = null;
    for (const list of TABS) {
      this[list].reset();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly shown = new Set<'panel' | 'status'>();
  private _tab: Tab = 'timeline';
  private asked = 0;
  private refreshing: Promise<void> | null = null;
  private timer: number | undefined;
}

/** Tells a deleted file from others, also from other versions of itself. */
export function keyOfDeleted(item: Deleted): string {
  const source = 'snapshot_id' in item.source ? item.source.snapshot_id : item.source.copy_id;
  return `${source} ${item.file}`;
}

function workspaceOf(state: State): Workspace | null {
  return state.kind === 'ready' ? state.workspace : null;
}
