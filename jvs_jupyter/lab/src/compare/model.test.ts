import { Contents } from '@jupyterlab/services';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { difference, differences, notebook } from '../testing/differences';
import { snapshot, workspace } from '../testing/samples';
import { FakeServer, page, refusal } from '../testing/server';
import { CompareModel } from './model';
import { Present, Shown } from './present';

const FIRST = snapshot({ note: 'first', created_at: '2026-03-04T09:00:00.000Z' });
const SECOND = snapshot({ note: 'second', created_at: '2026-03-04T10:00:00.000Z' });
const THIRD = snapshot({ note: 'third', created_at: '2026-03-04T11:00:00.000Z' });
const FOUND = difference({ detail: notebook([]) });
const SAME = difference({ new: difference().old, detail: null });

let shown: Shown | null;
let server: FakeServer;
let model: CompareModel;

beforeEach(() => {
  shown = null;
  server = new FakeServer({
    'GET workspace': workspace({ inner_path: 'train.ipynb' }),
    'GET snapshots': page([SECOND, FIRST]),
    [`GET snapshots/${THIRD.snapshot_id}`]: THIRD,
    'GET diff': ({ file }: Record<string, any>) => (file ? FOUND : differences([FOUND])),
    'POST diff': FOUND
  });
  const contents = { get: async () => ({ type: 'notebook' }) } as unknown as Contents.IManager;
  const present = { shown: () => shown, cells: () => null } as unknown as Present;
  model = new CompareModel(server.api, contents, present);
});

afterEach(() => model.dispose());

test('a document is compared with its newest version', async () => {
  await model.open({ path: 'churn/main/train.ipynb' });
  expect([model.file, model.from, model.to]).toEqual(['train.ipynb', SECOND.snapshot_id, 'now']);
  expect(model.stops.map(stop => stop.note)).toEqual(['first', 'second']);
  expect(model.inside).toMatchObject({ state: 'ready', value: { difference: FOUND } });
  expect(model.list).toMatchObject({ state: 'ready' });
});

test('where nothing changed since, it is compared with the version before, unless a time was asked for', async () => {
  server.answers['GET diff'] = ({ file, from }: Record<string, any>) =>
    file ? (from === SECOND.snapshot_id ? SAME : FOUND) : differences([]);
  await model.open({ path: 'churn/main/train.ipynb' });
  expect(model.from).toBe(FIRST.snapshot_id);
  await model.open({ path: 'churn/main/train.ipynb', from: SECOND.snapshot_id });
  expect(model.from).toBe(SECOND.snapshot_id);
  expect(model.inside).toMatchObject({ state: 'ready', value: { difference: null } });
});

test('what an open document shows takes the place of what is on disk', async () => {
  shown = { content: '{"cells": []}', cells: [] };
  await model.open({ path: 'churn/main/train.ipynb' });
  expect(server.calls('POST diff')).toMatchObject([{ content: '{"cells": []}', file: 'train.ipynb', to: 'now' }]);
  await model.setTimes(FIRST.snapshot_id, SECOND.snapshot_id);
  expect(server.calls('POST diff')).toHaveLength(1);
});

test('all that changed is listed when no file is named: the first is looked into, and another one later', async () => {
  await model.open({ path: 'churn/main/train.ipynb', from: THIRD.snapshot_id, file: null });
  expect(model.file).toBe('train.ipynb');
  expect(model.isFor({ path: 'churn/main/train.ipynb', from: FIRST.snapshot_id, file: null })).toBe(true);
  expect(model.isFor({ path: 'churn/main/other.ipynb' })).toBe(false);
  expect(model.stops.map(stop => stop.note)).toEqual(['first', 'second', 'third']);
  await model.choose('data/clean.csv');
  expect(server.calls('GET diff').at(-1)).toMatchObject({ file: 'data/clean.csv', from: THIRD.snapshot_id });
  expect(server.calls('GET snapshots').at(-1)).toMatchObject({ file: 'data/clean.csv' });
});

test('a file that moved is compared with what it was', async () => {
  const moved = { ...differences([FOUND]), renamed: [{ from: 'a.py', to: 'b.py' }] };
  server.answers['GET diff'] = ({ file }: Record<string, any>) => (file ? FOUND : moved);
  await model.open({ path: 'churn/main', from: FIRST.snapshot_id, file: null });
  await model.choose('b.py');
  expect(server.calls('GET diff').at(-1)).toMatchObject({ file: 'b.py', old_file: 'a.py' });
});

test('an answer that comes too late is not shown', async () => {
  await model.open({ path: 'churn/main', from: FIRST.snapshot_id, file: null });
  let late: (value: unknown) => void = () => undefined;
  server.answers['GET diff'] = ({ file }: Record<string, any>) =>
    file === 'slow.csv' ? new Promise(resolve => (late = resolve)) : difference({ path: file });
  const slow = model.choose('slow.csv');
  await model.choose('quick.csv');
  late(difference({ path: 'slow.csv' }));
  await slow;
  expect(model.inside).toMatchObject({ state: 'ready', value: { difference: { path: 'quick.csv' } } });
});

test('a refusal is shown where it belongs, and can be tried again', async () => {
  server.answers['GET diff'] = ({ file }: Record<string, any>) => {
    if (file) {
      throw refusal('E_SNAPSHOT_EXPIRED', 'it expired');
    }
    return differences([FOUND]);
  };
  await model.open({ path: 'churn/main/train.ipynb' });
  expect(model.inside).toMatchObject({ state: 'failed', error: { message: 'it expired' } });
  expect(model.list.state).toBe('ready');
  server.answers['GET diff'] = ({ file }: Record<string, any>) => (file ? FOUND : differences([FOUND]));
  await model.refresh();
  expect(model.inside).toMatchObject({ state: 'ready' });
});

test('many edits cause one comparison, and none where now is not compared', async () => {
  vi.useFakeTimers();
  try {
    await model.open({ path: 'churn/main/train.ipynb' });
    const before = server.calls('GET diff').length;
    for (let edit = 0; edit < 20; edit += 1) {
      model.refreshSoon();
    }
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.calls('GET diff')).toHaveLength(before + 2);
    await model.setTimes(FIRST.snapshot_id, SECOND.snapshot_id);
    const then = server.calls('GET diff').length;
    model.refreshSoon();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.calls('GET diff')).toHaveLength(then);
  } finally {
    vi.useRealTimers();
  }
});

test('versions come in pages, and what retention took away cannot be chosen', async () => {
  const gone = snapshot({ note: 'gone', created_at: '2026-03-01T09:00:00.000Z', expired: true });
  server.answers['GET snapshots'] = ({ before }: Record<string, any>) =>
    before === 'more' ? page([FIRST, gone]) : page([SECOND], 'more');
  await model.open({ path: 'churn/main/train.ipynb' });
  expect(model.hasOlder).toBe(true);
  await model.older();
  expect(model.stops.map(stop => stop.note)).toEqual(['first', 'second']);
  expect(model.hasOlder).toBe(false);
});
