/** What the compare tab shows: two times, a file, and what differs. */

import { Contents } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, Snapshot } from '../api';
import { Compared } from './compared';
import { Differences } from './difference';
import { NOW, Place, Request } from './place';
import { Present } from './present';
import { inOrder } from './words';

/** How many versions of a file are fetched at a time. */
const PAGE = 100;
/** Edits close together cause one comparison, in milliseconds. */
const SETTLE = 700;

export type Loaded<T> =
  | { state: 'loading' }
  | { state: 'ready'; value: T }
  | { state: 'failed'; error: Error };

const LOADING = { state: 'loading' } as const;

export class CompareModel {
  constructor(
    private readonly api: Api,
    private readonly contents: Contents.IManager,
    readonly present: Present
  ) {}

  /** Emitted whenever anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  place: Loaded<Place> = LOADING;
  from: string | null = null;
  to = NOW;
  file: string | null = null;
  /** Execution counts, widget state and the like are compared too. */
  everything = false;
  /** Snapshots between which one can choose, oldest first. */
  stops: Snapshot[] = [];
  list: Loaded<Differences> = LOADING;
  /** Null while no file is chosen. */
  inside: Loaded<Compared> | null = null;

  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    this.disposed = true;
    window.clearTimeout(this.timer);
    Signal.clearData(this);
  }

  /** What would open this again. */
  get request(): Request {
    return { path: this.asked.path, from: this.from ?? undefined, to: this.to, file: this.file };
  }

  /** There are older versions than those in `stops`. */
  get hasOlder(): boolean {
    return this.before !== null;
  }

  /** The path of the file for the contents API; null without a file, or when it lies outside the server's root. */
  get document(): string | null {
    return this.place.state === 'ready' && this.file !== null ? this.place.value.contentsPath(this.file) : null;
  }

  /** Whether a request is about what this shows already, perhaps at other times. */
  isFor(request: Request): boolean {
    if (request.file === undefined) {
      return request.path === this.document;
    }
    const asked = request.file === null ? this.asked.file : this.file;
    return request.file === asked && request.path === this.asked.path;
  }

  async open(request: Request): Promise<void> {
    const turn = ++this.turn;
    this.asked = request;
    this.place = LOADING;
    this.list = LOADING;
    this.inside = null;
    this._changed.emit();
    try {
      const place = await Place.find(this.api, this.contents, request.path);
      const file = request.file === undefined ? await place.file() : request.file;
      if (turn !== this.turn) {
        return;
      }
      this.place = { state: 'ready', value: place };
      this.to = request.to ?? NOW;
      this.from = request.from ?? null;
      this.file = file;
      this.inside = file === null ? null : LOADING;
      await this.loadStops(turn);
      if (turn === this.turn) {
        this.from ??= this.newestBefore(this.to) ?? place.head;
        await Promise.all([this.loadList(turn), this.look(turn, request.from === undefined)]);
        await this.chooseFirst(turn);
      }
    } catch (error) {
      this.failed(turn, error);
    }
  }

  /** Compare two other times. */
  async setTimes(from: string, to: string): Promise<void> {
    if (from !== this.from || to !== this.to) {
      const turn = ++this.turn;
      this.from = from;
      this.to = to;
      this.list = LOADING;
      this.inside &&= LOADING;
      this._changed.emit();
      await Promise.all([this.loadList(turn), this.look(turn)]);
    }
  }

  /** Look into another file; null: into none. */
  async choose(file: string | null): Promise<void> {
    if (file !== this.file) {
      const turn = ++this.turn;
      this.file = file;
      this.inside = file === null ? null : LOADING;
      this.stops = [];
      this.before = null;
      this._changed.emit();
      await Promise.all([
        this.list.state === 'ready' ? undefined : this.loadList(turn),
        this.look(turn),
        this.loadStops(turn)
      ]);
    }
  }

  async setEverything(everything: boolean): Promise<void> {
    this.everything = everything;
    this._changed.emit();
    await this.look(this.turn);
  }

  /** Offer older versions too. */
  async older(): Promise<void> {
    if (this.place.state === 'ready' && this.before !== null) {
      const turn = this.turn;
      try {
        const page = await this.place.value.versions(this.file, this.before, PAGE);
        if (turn === this.turn) {
          this.before = page.next;
          this.stops = merged(this.stops, page.items);
          this._changed.emit();
        }
      } catch (error) {
        this.failed(turn, error);
      }
    }
  }

  /** Compare anew, once for however many calls come close together, where `now` is one of the times. */
  refreshSoon(): void {
    if (this.to === NOW && !this.disposed) {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.refresh(), SETTLE);
    }
  }

  /** Compare anew. What is shown stays until the answer is there. */
  async refresh(): Promise<void> {
    if (this.place.state === 'ready') {
      const turn = ++this.turn;
      await Promise.all([this.loadStops(turn), this.loadList(turn), this.look(turn)]);
    } else if (this.place.state === 'failed') {
      await this.open(this.asked);
    }
  }

  private async loadStops(turn: number): Promise<void> {
    if (this.place.state !== 'ready') {
      return;
    }
    const place = this.place.value;
    try {
      const page = await place.versions(this.file, null, PAGE);
      const known = new Set(page.items.map(item => item.snapshot_id));
      const missing = [this.from, this.to].filter(id => id !== null && id !== NOW && !known.has(id)) as string[];
      const others = await Promise.all(missing.map(id => place.snapshot(id)));
      if (turn === this.turn) {
        this.before = page.next;
        this.stops = merged(page.items, others);
        this._changed.emit();
      }
    } catch (error) {
      this.failed(turn, error);
    }
  }

  private async loadList(turn: number): Promise<void> {
    if (this.place.state !== 'ready' || this.from === null) {
      return;
    }
    try {
      const value = await this.place.value.changed(this.from, this.to);
      if (turn === this.turn) {
        this.list = { state: 'ready', value };
      }
    } catch (error) {
      if (turn === this.turn) {
        this.list = { state: 'failed', error: error as Error };
      }
    }
    this._changed.emit();
  }

  /** Compare the chosen file; with `mayStepBack`, where nothing changed since the newest version, since the one before. */
  private async look(turn: number, mayStepBack = false): Promise<void> {
    const { file, from, to } = this;
    if (this.place.state !== 'ready' || file === null || from === null) {
      return;
    }
    const place = this.place.value;
    const path = to === NOW ? place.contentsPath(file) : null;
    const shown = path === null ? null : this.present.shown(path);
    const cells = path === null ? null : this.present.cells(path);
    const content = shown?.content ?? null;
    const looked = ++this.looked;
    try {
      const { everything } = this;
      const oldPath = this.oldPathOf(file);
      const found = await place.inside({ from, to, file, oldPath, content, everything });
      if (turn !== this.turn || looked !== this.looked) {
        return;
      }
      const earlier = found === null && mayStepBack ? this.newestBefore(from) : null;
      if (earlier !== null) {
        this.from = earlier;
        await Promise.all([this.loadList(turn), this.look(turn)]);
        return;
      }
      const value = new Compared(place, from, to, file, found, shown, cells);
      if (this.inside?.state === 'ready' && this.inside.value.isAs(value)) {
        return; // what is shown stays as the person left it
      }
      this.inside = { state: 'ready', value };
    } catch (error) {
      if (turn === this.turn && looked === this.looked) {
        this.inside = { state: 'failed', error: error as Error };
      }
    }
    this._changed.emit();
  }

  /** Look into the first file of the list where nobody named one. */
  private async chooseFirst(turn: number): Promise<void> {
    const changes = this.list.state === 'ready' ? (this.list.value.changes ?? []) : [];
    if (turn === this.turn && this.file === null && changes.length > 0) {
      await this.choose(inOrder(changes)[0].path);
    }
  }

  private oldPathOf(file: string): string | null {
    const renamed = this.list.state === 'ready' ? this.list.value.renamed : [];
    return renamed.find(pair => pair.to === file)?.from ?? null;
  }

  private newestBefore(time: string): string | null {
    const earlier = this.stops.filter(stop => time === NOW || stop.snapshot_id < time);
    return earlier.pop()?.snapshot_id ?? null;
  }

  private failed(turn: number, error: unknown): void {
    if (turn === this.turn) {
      this.place = { state: 'failed', error: error as Error };
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private asked: Request = { path: '' };
  private before: string | null = null;
  private turn = 0;
  private looked = 0;
  private timer = 0;
  private disposed = false;
}

/** Both, oldest first: ids begin with the time. What retention took away cannot be compared. */
function merged(some: readonly Snapshot[], others: readonly Snapshot[]): Snapshot[] {
  const all = new Map([...some, ...others].map(item => [item.snapshot_id, item]));
  return [...all.values()]
    .filter(item => !item.expired)
    .sort((one, other) => (one.snapshot_id < other.snapshot_id ? -1 : 1));
}
