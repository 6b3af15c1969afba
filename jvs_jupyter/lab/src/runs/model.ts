/** What the Runs view shows: runs of one workspace, chosen and sorted by the server, and what a person selected. */

import { ISignal, Signal } from '@lumino/signaling';

import { Api, ErrorObject, JvsError, Run, RunPage, RunWork, Workspace } from '../api';
import { folderName } from '../format';
import { PagedList } from '../model/list';
import { Operations } from '../model/operations';
import { Column, columnsOf } from './columns';
import { RunComparison } from './comparison';
import { isUnderWay } from './outcome';
import { Axes } from './spec';
import { Chosen, chosen } from './where';

const PAGE = 100;
/** Events close together cause one refresh, in milliseconds. */
const SETTLE = 300;
/** How long the list of what was run is good, in milliseconds. */
const WORKS_HOLD = 30_000;
/** How many runs the plot shows at most. */
export const MOST_PLOTTED = 1000;
/** How many runs can be compared at a time. */
export const MOST_COMPARED = 20;

/** What a tab shows; it is kept, and opens the same again. */
export interface Request {
  /** A path in the workspace, for the contents API. */
  path: string;
  /** Only runs of this notebook or command. */
  work?: string | null;
  filter?: string;
  sort?: string | null;
  grouped?: boolean;
  /** Columns that a person showed or hid. */
  columns?: Record<string, boolean>;
  /** The run that others are measured against. */
  baseline?: string | null;
  /** The run whose row is to be in sight. */
  run?: string | null;
  below?: Below;
  axes?: Axes;
}

export type Below = 'plot' | 'comparison' | null;

export type Place = { state: 'loading' } | { state: 'failed'; error: Error } | { state: 'ready'; workspace: Workspace };

export class RunsModel {
  constructor(readonly api: Api) {
    const tell = (): void => this._changed.emit();
    this.operations = new Operations(api, tell);
    this.list = new PagedList<Run>((after, limit) => this.fetch(after, limit), tell);
    this.list.pageSize = PAGE;
  }

  readonly operations: Operations;
  readonly list: PagedList<Run>;

  place: Place = { state: 'loading' };
  /** What was run, the last one first. */
  works: readonly RunWork[] = [];
  /** How many runs there are on all pages. */
  total: number | null = null;
  /** Records that cannot be read. */
  unreadable: readonly string[] = [];
  /** What the server says of a filter that it does not understand. */
  refused: ErrorObject | null = null;

  work: string | null = null;
  filter = '';
  sort: string | null = null;
  grouped = false;
  choice: Record<string, boolean> = {};
  below: Below = null;
  axes: Axes = { metric: null, over: null };
  comparison: RunComparison | null = null;

  /** The id of the row where the person is. */
  current: string | null = null;
  /** Ids of the rows that are selected. */
  readonly marked = new Set<string>();
  /** Changes when the current row is to be brought into sight. */
  revealed = 0;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    this.disposed = true;
    window.clearTimeout(this.timer);
    Signal.clearData(this);
  }

  get path(): string {
    return this.asked.path;
  }

  get workspace(): Workspace | null {
    return this.place.state === 'ready' ? this.place.workspace : null;
  }

  /** What the tab is called after: the notebook or command, else the folder. */
  get name(): string {
    return this.work ?? (this.workspace ? folderName(this.workspace) : '');
  }

  /** What would open this again. */
  get request(): Request {
    return {
      path: this.path,
      work: this.work,
      filter: this.filter,
      sort: this.sort,
      grouped: this.grouped,
      columns: this.choice,
      baseline: this.chosenBaseline?.run_id ?? null,
      below: this.below === 'comparison' ? null : this.below,
      axes: this.axes
    };
  }

  /** Whether this shows what a request is about, perhaps filtered in another way. */
  isFor(request: Request): boolean {
    return request.path === this.path && (request.work === undefined || request.work === this.work);
  }

  /** Whether runs of several works stand below each other. */
  get isMixed(): boolean {
    return this.work === null && this.works.length > 1;
  }

  get columns(): Column[] {
    const runs = this.list.items;
    if (runs !== this.of || this.mixed !== this.isMixed) {
      this.of = runs;
      this.mixed = this.isMixed;
      this.found = columnsOf(runs, this.isMixed);
    }
    return this.found;
  }

  get currentRun(): Run | null {
    return this.list.items.find(run => run.run_id === this.current) ?? null;
  }

  /** The selected runs, in the order of the table. */
  get markedRuns(): Run[] {
    return this.list.items.filter(run => this.marked.has(run.run_id));
  }

  /** What metrics are measured against: the run that a person chose, else the first one of a table sorted by a metric. */
  get baseline(): Run | null {
    const [first] = this.list.items;
    const isRanked = this.sort?.replace(/^-/, '').startsWith('metrics.') ?? false;
    return this.chosenBaseline ?? (isRanked && first && !isUnderWay(first) ? first : null);
  }

  async open(request: Request): Promise<void> {
    const turn = ++this.turn;
    this.asked = { path: request.path };
    this.work = request.work ?? null;
    this.filter = request.filter ?? '';
    this.sort = request.sort ?? null;
    this.grouped = request.grouped ?? false;
    this.choice = { ...request.columns };
    this.below = request.below ?? null;
    this.axes = request.axes ?? this.axes;
    this.place = { state: 'loading' };
    this.list.reset();
    try {
      const { path } = request;
      const workspace = await this.api.get<Workspace>('workspace', { path, limit: 0 });
      if (turn === this.turn) {
        this.place = { state: 'ready', workspace };
        await Promise.all([this.list.refresh(), this.lookForWorks(), this.keepBaseline(request.baseline ?? null)]);
        await this.forPlot();
        await this.reveal(request.run ?? null);
      }
    } catch (error) {
      if (turn === this.turn) {
        this.place = { state: 'failed', error: error as Error };
        this._changed.emit();
      }
    }
  }

  /** Show other runs, or in another order. */
  async narrow(to: Partial<Pick<RunsModel, 'work' | 'filter' | 'sort' | 'grouped'>>): Promise<void> {
    Object.assign(this, to);
    if ('work' in to) {
      this.marked.clear();
      this.chosenBaseline = null;
      this.axes = { metric: null, over: null };
    }
    this._changed.emit();
    await this.list.begin();
    await this.forPlot();
  }

  /** Show or hide a column. */
  show(column: Column, yes: boolean): void {
    this.choice = { ...this.choice, [column.key]: yes };
    this._changed.emit();
  }

  setBelow(below: Below): void {
    this.below = below;
    this._changed.emit();
    void this.forPlot();
  }

  setAxes(axes: Axes): void {
    this.axes = axes;
    this._changed.emit();
  }

  setBaseline(run: Run | null): void {
    this.chosenBaseline = run;
    this._changed.emit();
  }

  get hasChosenBaseline(): boolean {
    return this.chosenBaseline !== null;
  }

  setCurrent(id: string | null): void {
    this.current = id;
    this._changed.emit();
  }

  mark(id: string, yes: boolean): void {
    yes ? this.marked.add(id) : this.marked.delete(id);
    this._changed.emit();
  }

  markAll(yes: boolean): void {
    this.marked.clear();
    if (yes) {
      this.list.items.forEach(run => this.marked.add(run.run_id));
    }
    this._changed.emit();
  }

  /** Make a run the current one and bring its row into sight; pages are fetched up to it. */
  async reveal(id: string | null): Promise<void> {
    if (id === null) {
      return;
    }
    this.current = id;
    if (this.currentRun === null) {
      await this.list.atLeast(MOST_PLOTTED);
    }
    this.revealed += 1;
    this._changed.emit();
  }

  /** Bring a run into sight, if need be without what narrows the table. */
  async find(id: string | null): Promise<void> {
    await this.reveal(id);
    if (id !== null && this.currentRun === null && (this.filter || this.work !== null)) {
      await this.narrow({ filter: '', work: null });
      await this.reveal(id);
    }
  }

  /** Compare runs: parameters, metrics, packages. */
  compare(runs: readonly Run[]): void {
    this.comparison?.dispose();
    const shown = runs.slice(0, MOST_COMPARED);
    this.comparison = new RunComparison(this.api, this.path, shown, () => this._changed.emit());
    this.below = 'comparison';
    this._changed.emit();
    void this.comparison.load();
  }

  /** Fetch anew, once for however many calls come close together. */
  refreshSoon(): void {
    if (!this.disposed) {
      this.timer ??= window.setTimeout(() => void this.refresh(), SETTLE);
    }
  }

  /** Fetch anew. What is shown stays until the answer is there. */
  async refresh(): Promise<void> {
    window.clearTimeout(this.timer);
    this.timer = undefined;
    if (this.place.state === 'failed') {
      return this.open(this.request);
    }
    await this.list.refreshHead(run => run.run_id);
    this.forgetGone();
    const known = new Set(this.works.map(({ work }) => work));
    const isNew = this.list.items.some(run => !known.has(run.work));
    if (isNew || Date.now() - this.looked > WORKS_HOLD) {
      await this.lookForWorks(); // for which the server looks at every run
    }
  }

  /** The question that the table answers, for the server and for Python. */
  get query(): Chosen {
    const found = chosen(this.filter);
    return this.work === null ? found : { ...found, where: [`work=${this.work}`, ...found.where] };
  }

  private async fetch(after: string | null, limit: number): Promise<{ items: Run[]; next: string | null }> {
    const { where, q } = this.query;
    const { filter, list, sort } = this;
    try {
      const page = await this.api.get<RunPage>('runs', {
        path: this.path,
        where,
        q,
        sort,
        group: this.grouped ? 'sweep' : null,
        after,
        limit
      });
      this.total = page.total;
      this.unreadable = page.unreadable;
      this.refused = null;
      return page;
    } catch (error) {
      const isAboutFilter = error instanceof JvsError && error.code === 'E_USAGE' && filter.trim() !== '';
      if (!isAboutFilter) {
        throw error;
      }
      if (filter === this.filter) {
        this.refused = error.detail;
      }
      // the table stays as it was
      return { items: [...list.items], next: list.state.kind === 'ready' ? list.state.next : null };
    }
  }

  private async lookForWorks(): Promise<void> {
    const { items } = await this.api.get<{ items: RunWork[] }>('runs/works', { path: this.path });
    this.works = items;
    this.looked = Date.now();
    this._changed.emit();
  }

  private async keepBaseline(id: string | null): Promise<void> {
    this.chosenBaseline = null;
    if (id !== null) {
      try {
        this.chosenBaseline = await this.api.get<Run>(`runs/${id}`, { path: this.path });
      } catch (error) {
        if (!(error instanceof JvsError)) {
          throw error; // else its record is gone
        }
      }
    }
  }

  private async forPlot(): Promise<void> {
    if (this.below === 'plot') {
      await this.list.atLeast(MOST_PLOTTED);
    }
  }

  private forgetGone(): void {
    const there = new Set(this.list.items.map(run => run.run_id));
    for (const id of this.marked) {
      if (!there.has(id)) {
        this.marked.delete(id);
      }
    }
    const chosen = this.chosenBaseline;
    this.chosenBaseline = this.list.items.find(run => run.run_id === chosen?.run_id) ?? chosen;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private asked: Pick<Request, 'path'> = { path: '' };
  private chosenBaseline: Run | null = null;
  private found: Column[] = [];
  private of: readonly Run[] | null = null;
  private mixed = false;
  private turn = 0;
  private looked = 0;
  private timer: number | undefined;
  private disposed = false;
}
