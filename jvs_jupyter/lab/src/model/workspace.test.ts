import { afterEach, describe, expect, it, vi } from 'vitest';

import { JvsError } from '../api';
import { snapshot, workspace } from '../testing/samples';
import { FakeServer, page, refusal } from '../testing/server';
import { Cancelled } from './operations';
import { WorkspaceModel } from './workspace';

function served(answers: Record<string, unknown> = {}) {
  const server = new FakeServer({
    'GET workspace': workspace(),
    'GET snapshots': page([snapshot({ note: 'first' })]),
    'GET deleted': page([]),
    ...answers
  });
  return { server, model: new WorkspaceModel(server.api) };
}

async function ready(answers: Record<string, unknown> = {}) {
  const found = served(answers);
  found.model.inSight('panel', true);
  await found.model.follow('churn/main/train.ipynb', false);
  return found;
}

describe('the workspace', () => {
  afterEach(() => vi.useRealTimers());

  it('is loading, then ready, with its timeline', async () => {
    const { model } = served();
    expect(model.state.kind).toBe('loading');
    model.inSight('panel', true);
    await model.refresh();
    expect(model.state.kind).toBe('ready');
    expect(model.timeline.items.map(item => item.note)).toEqual(['first']);
  });

  it('is none where no history is kept, and says what keeping one takes', async () => {
    const plan = { path: 'a', files: 3, bytes: 5, space: 5, how: 'rename', reason: null, heavy: [], complete: true };
    const { model, server } = await ready({
      'GET workspace': () => Promise.reject(refusal('E_NOT_A_REPOSITORY', 'none')),
      'GET adoption': plan
    });
    expect(model.state).toEqual({ kind: 'none' });
    expect(model.adoption).toEqual(plan);
    await model.refresh();
    expect(server.calls('GET adoption').length).toBe(1);
  });

  it('tells what lies outside from what has none, and from a server that does not answer', async () => {
    const outside = await ready({ 'GET workspace': () => Promise.reject(refusal('E_OUTSIDE_ROOT', '/home/me is it')) });
    expect(outside.model.state).toMatchObject({ kind: 'outside', error: { message: '/home/me is it' } });
    const dead = await ready({ 'GET workspace': () => Promise.reject(new TypeError('no network')) });
    expect(dead.model.state).toMatchObject({ kind: 'unreachable', error: { message: 'no network' } });
  });

  it('asks nothing while nothing is in sight, or the page is hidden', async () => {
    const { model, server } = served();
    await model.follow('churn/main', true);
    expect(server.asked).toEqual([]);
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    model.inSight('panel', true);
    await model.refresh();
    expect(server.asked).toEqual([]);
    hidden.mockRestore();
  });

  it('asks for no list while only the status bar is in sight', async () => {
    const { model, server } = served();
    model.inSight('status', true);
    await model.refresh();
    expect(server.asked.map(one => one.call)).toEqual(expect.arrayContaining(['GET workspace']));
    expect(server.calls('GET snapshots')).toEqual([]);
  });

  it('keeps what is there while it is fetched again, and shows what changed', async () => {
    const { model, server } = await ready();
    const seen: string[] = [];
    model.changed.connect(() => seen.push(model.state.kind));
    server.answers['GET snapshots'] = page([snapshot({ note: 'second' }), snapshot({ note: 'first' })]);
    await model.refresh();
    expect(new Set(seen)).toEqual(new Set(['ready']));
    expect(model.timeline.items[0].note).toBe('second');
  });

  it('refreshes once for events that come together, and again for one that comes meanwhile', async () => {
    vi.useFakeTimers();
    const { model, server } = await ready();
    server.asked.length = 0;
    for (let times = 0; times < 20; times += 1) {
      model.refreshSoon();
    }
    await vi.advanceTimersByTimeAsync(400);
    expect(server.calls('GET workspace').length).toBe(1);
    model.refreshSoon();
    await vi.advanceTimersByTimeAsync(400);
    expect(server.calls('GET workspace').length).toBe(2);
  });

  it('shows every refresh although more are asked for than can be answered', async () => {
    vi.useFakeTimers();
    const { model, server } = await ready();
    let heads = 0;
    server.answers['GET workspace'] = async () => {
      await new Promise(resolve => setTimeout(resolve, 1000));
      return workspace({ head_snapshot_id: `head-${++heads}` });
    };
    for (let passed = 0; passed < 5000; passed += 250) {
      void model.refresh();
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(model.workspace?.head_snapshot_id).toMatch(/head-[345]/);
  });

  it('forgets one workspace before it shows another', async () => {
    const { model, server } = await ready();
    await model.narrow({ filter: 'words' });
    let release = (): void => undefined;
    server.answers['GET workspace'] = () => new Promise(resolve => (release = () => resolve(workspace({ worktree_root: '/other' }))));
    const moving = model.follow('elsewhere/b.ipynb', false);
    expect(model.state.kind).toBe('loading');
    expect(model.filter).toBe('');
    release();
    await moving;
    expect(model.workspace?.worktree_root).toBe('/other');
  });

  it('sends what the person filters by', async () => {
    const { model, server } = await ready();
    await model.narrow({ filter: '#baseline' });
    expect(server.calls('GET snapshots').at(-1)).toMatchObject({ q: '#baseline', path: 'churn/main/train.ipynb' });
  });
});

describe('an operation', () => {
  const operation = (state: string, values: object = {}) => ({
    operation: { id: 'op', kind: 'snapshot', state, progress: null, result: null, error: null, ...values }
  });

  it('is followed to its result', async () => {
    const { model } = await ready({
      'POST snapshots': operation('queued'),
      'GET operations/op': operation('done', { result: { snapshot_id: 'x' } })
    });
    await expect(model.run('snapshots', {})).resolves.toEqual({ snapshot_id: 'x' });
    expect(model.operations.current).toBeNull();
  });

  it('ends with the error of the server, or as cancelled', async () => {
    const error = { code: 'E_LOCK_CONFLICT', message: 'locked', hint: null };
    const { model, server } = await ready({
      'POST snapshots': operation('running'),
      'GET operations/op': operation('failed', { error })
    });
    await expect(model.run('snapshots', {})).rejects.toThrow(JvsError);
    server.answers['GET operations/op'] = operation('cancelled');
    await expect(model.run('snapshots', {})).rejects.toThrow(Cancelled);
  });

  it('may be done at once', async () => {
    const { model } = await ready({ 'POST deleted': { file: 'a', renamed: false } });
    await expect(model.run('deleted', {})).resolves.toEqual({ file: 'a', renamed: false });
  });
});
