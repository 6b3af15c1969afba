import { describe, expect, it, vi } from 'vitest';

import { PagedList } from './list';

/** A list of numbers from 0 on, in pages of what is asked for, at most `most`. */
function numbers(count: number, most = 200) {
  const fetch = vi.fn(async (cursor: string | null, limit: number) => {
    const start = Number(cursor ?? 0);
    const end = Math.min(count, start + Math.min(limit, most));
    const items = Array.from({ length: end - start }, (_, index) => start + index);
    return { items, next: end < count ? String(end) : null };
  });
  return { fetch, list: new PagedList<number>(fetch, () => undefined) };
}

describe('a list in pages', () => {
  it('is loading until the first page came', async () => {
    const { list } = numbers(3);
    expect(list.state.kind).toBe('loading');
    await list.refresh();
    expect(list.items).toEqual([0, 1, 2]);
  });

  it('appends a page at a time, up to the end, and asks no more then', async () => {
    const { list, fetch } = numbers(120);
    await list.refresh();
    await list.more();
    await list.more();
    expect(list.items.length).toBe(120);
    const asked = fetch.mock.calls.length;
    await list.more();
    expect(fetch.mock.calls.length).toBe(asked);
  });

  it('keeps as much as was there when it is fetched again', async () => {
    const { list } = numbers(1000);
    await list.refresh();
    for (let times = 0; times < 9; times += 1) {
      await list.more();
    }
    expect(list.items.length).toBe(500);
    await list.refresh();
    expect(list.items.length).toBeGreaterThanOrEqual(500);
    expect(new Set(list.items).size).toBe(list.items.length);
  });

  it('follows pages that hold nothing, when only some items match', async () => {
    const fetch = vi.fn(async (cursor: string | null) =>
      cursor === '3' ? { items: ['found'], next: null } : { items: [], next: String(Number(cursor ?? 0) + 1) }
    );
    const list = new PagedList<string>(fetch, () => undefined);
    await list.refresh();
    expect(list.items).toEqual(['found']);
  });

  it('ignores the answer to an older question', async () => {
    const answers: ((items: string[]) => void)[] = [];
    const list = new PagedList<string>(
      () => new Promise(resolve => answers.push(items => resolve({ items, next: null }))),
      () => undefined
    );
    const first = list.refresh();
    const second = list.refresh();
    answers[1](['new']);
    answers[0](['old']);
    await Promise.all([first, second]);
    expect(list.items).toEqual(['new']);
  });

  it('says why it has nothing to show', async () => {
    const list = new PagedList<string>(
      () => Promise.reject(new Error('gone')),
      () => undefined
    );
    await list.refresh();
    expect(list.state).toMatchObject({ kind: 'failed', error: { message: 'gone' } });
  });
});
