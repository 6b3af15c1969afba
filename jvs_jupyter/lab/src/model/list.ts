/** A list that comes from the server in pages. */

import { Page } from '../shapes';

/** How far an answer without items is followed, when only part of the list matches. */
const MOST_EMPTY_PAGES = 20;
/** The most items the server gives at a time. */
const LARGEST_PAGE = 200;

export type ListState<T> =
  | { kind: 'loading' }
  | { kind: 'failed'; error: Error }
  | { kind: 'ready'; items: readonly T[]; next: string | null };

export type Fetch<T> = (cursor: string | null, limit: number) => Promise<Page<T>>;

export class PagedList<T> {
  constructor(
    private readonly fetch: Fetch<T>,
    private readonly changed: () => void
  ) {}

  /** How many items a page holds. */
  pageSize = 50;
  state: ListState<T> = { kind: 'loading' };

  get items(): readonly T[] {
    return this.state.kind === 'ready' ? this.state.items : [];
  }

  /** Forget what was fetched: it was about something else. */
  reset(): void {
    this.turn += 1;
    this.state = { kind: 'loading' };
    this.changed();
  }

  /** Fetch again as much as is there, and show it once all of it came. */
  refresh(): Promise<void> {
    return this.fetched(Math.max(this.pageSize, this.items.length));
  }

  /** Fetch the first page of what is another list by now; the old one is shown until that came. */
  begin(): Promise<void> {
    return this.fetched(this.pageSize);
  }

  private async fetched(wanted: number): Promise<void> {
    const turn = ++this.turn;
    try {
      const { items, next } = await this.collect(null, wanted);
      if (turn === this.turn) {
        this.state = { kind: 'ready', items, next };
        this.changed();
      }
    } catch (error) {
      if (turn === this.turn) {
        this.state = { kind: 'failed', error: error as Error };
        this.changed();
      }
    }
  }

  /** Append the next page; one request at a time. */
  async more(): Promise<void> {
    await this.append(this.pageSize);
  }

  private async append(count: number): Promise<void> {
    const before = this.state;
    if (before.kind !== 'ready' || before.next === null || this.loadingMore || count <= 0) {
      return;
    }
    this.loadingMore = true;
    const turn = this.turn;
    try {
      const { items, next } = await this.collect(before.next, count);
      if (turn === this.turn) {
        this.state = { kind: 'ready', items: [...before.items, ...items], next };
        this.changed();
      }
    } catch (error) {
      if (turn === this.turn) {
        this.state = { kind: 'failed', error: error as Error };
        this.changed();
      }
    } finally {
      this.loadingMore = false;
    }
  }

  /** Fetch the first page again, and put it before the rest of what is there: for long lists, whose rest hardly changes. */
  async refreshHead(keyOf: (item: T) => string): Promise<void> {
    const before = this.state;
    if (before.kind !== 'ready' || before.items.length <= LARGEST_PAGE) {
      return this.refresh();
    }
    const turn = ++this.turn;
    try {
      const { items } = await this.fetch(null, LARGEST_PAGE);
      if (turn === this.turn) {
        const known = new Set(items.map(keyOf));
        const old = new Set(before.items.map(keyOf));
        const added = items.filter(item => !old.has(keyOf(item))).length;
        const rest = before.items.slice(Math.max(0, LARGEST_PAGE - added)).filter(item => !known.has(keyOf(item)));
        this.state = { kind: 'ready', items: [...items, ...rest], next: before.next };
        this.changed();
      }
    } catch (error) {
      if (turn === this.turn) {
        this.state = { kind: 'failed', error: error as Error };
        this.changed();
      }
    }
  }

  /** Append what is missing to `wanted` items, at once, as far as there are as many. */
  async atLeast(wanted: number): Promise<void> {
    await this.append(wanted - this.items.length);
  }

  /** Fetch pages until there are `wanted` items, or no more. */
  private async collect(start: string | null, wanted: number): Promise<Page<T>> {
    const items: T[] = [];
    let cursor = start;
    let empty = 0;
    do {
      const missing = Math.max(1, wanted - items.length);
      const page = await this.fetch(cursor, Math.min(LARGEST_PAGE, Math.max(this.pageSize, missing)));
      items.push(...page.items);
      cursor = page.next;
      empty = page.items.length === 0 ? empty + 1 : 0;
    } while (cursor !== null && items.length < wanted && empty < MOST_EMPTY_PAGES);
    return { items, next: cursor };
  }

  private turn = 0;
  private loadingMore = false;
}
