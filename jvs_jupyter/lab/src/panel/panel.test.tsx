import { PageConfig } from '@jupyterlab/coreutils';
import { act, fireEvent, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';

import { Content } from './index';
import { show } from '../testing/desk';
import { deleted, snapshot, workspace } from '../testing/samples';
import { page, refusal } from '../testing/server';

function panel(answers: Record<string, unknown>) {
  return show(() => <Content />, { 'GET workspace': workspace(), 'GET deleted': page([]), ...answers });
}

const tree = (): HTMLElement => screen.getByRole('tree', { name: 'Snapshots, newest first' });
const rows = (): string[] => within(tree()).getAllByRole('treeitem').map(row => row.textContent ?? '');

describe('the panel', () => {
  it('shows the timeline: where the person is, what is later, what changed', async () => {
    const now = new Date().toISOString();
    await panel({
      'GET snapshots': page([
        snapshot({ note: 'before going back', later: true, created_at: now }),
        snapshot({
          note: 'cleaned',
          parent_snapshot_id: '1772614800000-00000001',
          is_head: true,
          refs: ['v1'],
          tags: ['baseline'],
          created_at: now,
          changed: { total: 7, paths: [{ path: 'train.ipynb', change: 'modified' }] },
          run: { run_id: 'r', outcome: 'ok', metrics: { accuracy: 0.91234567 } }
        })
      ])
    });
    const [later, here] = within(tree()).getAllByRole('treeitem');
    expect(later.getAttribute('aria-label')).toContain('later than where you are');
    expect(here.textContent).toContain('you are here');
    for (const text of ['v1', '#baseline', 'run: ok, accuracy 0.9123', 'train.ipynb', '6 more']) {
      expect(here.textContent).toContain(text);
    }
  });

  it('names what a person changed before what programs leave, and counts the files of a first snapshot', async () => {
    const changed = (...paths: string[]) => ({ total: 9, paths: paths.map(path => ({ path, change: 'added' as const })) });
    const parent = { parent_snapshot_id: '1772614800000-00000001' };
    await panel({
      'GET snapshots': page([
        snapshot({ ...parent, note: 'mixed', changed: changed('.ipynb_checkpoints/a-checkpoint.ipynb', 'a.ipynb') }),
        snapshot({ ...parent, note: 'caches', changed: changed('lib/__pycache__/a.pyc') }),
        snapshot({ note: 'first', changed: changed('.venv/a.py', 'b.csv') })
      ])
    });
    const [mixed, caches, first] = rows();
    expect(mixed).toContain('a.ipynb · 8 more');
    expect(mixed).not.toContain('checkpoint');
    expect(caches).toContain('lib/__pycache__/a.pyc · 8 more');
    expect(first).toContain('9 files');
    expect(first).not.toContain('b.csv');
  });

  it('holds only the rows in sight of a thousand snapshots', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => snapshot({ note: `number ${index}` }));
    await panel({ 'GET snapshots': page(many) });
    expect(rows().length).toBeLessThan(60);
  });

  it('takes a snapshot by Enter in the note field, with that note', async () => {
    const { actions } = await panel({ 'GET snapshots': page([]) });
    const field = screen.getByLabelText('Note of the snapshot');
    await userEvent.type(field, 'cleaned the outliers{Enter}');
    expect(actions.snapshots.take).toHaveBeenCalledWith('cleaned the outliers');
    expect((field as HTMLInputElement).value).toBe('');
  });

  it('lets nothing be taken while somebody else changes the folder, and says who', async () => {
    const lock = {
      worktree: 'main',
      state: 'held' as const,
      mine: false,
      kept: false,
      lock: {
        holder_id: 'ana@gpu1:nightly',
        session_id: 's',
        purpose: 'nightly run',
        acquired_at: '2026-03-04T10:40:00Z',
        lease_expires_at: '2026-03-04T10:50:00Z'
      }
    };
    const locked = workspace({ lock, can: { snapshot: false } });
    const { model, server } = await panel({ 'GET workspace': locked, 'GET snapshots': page([]) });
    expect(screen.getByText(/Being changed by ana on gpu1 since .*\(nightly run\)/)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Snapshot' })).toHaveProperty('disabled', true);
    server.answers['GET workspace'] = workspace();
    await act(() => model.refresh());
    expect(screen.getByRole('button', { name: 'Snapshot' })).toHaveProperty('disabled', false);
  });

  it('is worked by keyboard: choose, compare, unfold', async () => {
    const auto = (note: string) => snapshot({ kind: 'auto', note });
    const { actions, model } = await panel({
      'GET snapshots': page([snapshot({ note: 'mine' }), auto('a'), auto('b')])
    });
    fireEvent.keyDown(tree(), { key: 'ArrowDown' });
    expect(model.chosenSnapshot?.note).toBe('mine');
    fireEvent.keyDown(tree(), { key: 'Enter' });
    expect(actions.viewing.compare).toHaveBeenCalledWith(model.chosenSnapshot?.snapshot_id, null, null);
    fireEvent.keyDown(tree(), { key: 'ArrowDown' });
    fireEvent.keyDown(tree(), { key: 'ArrowRight' });
    expect(rows().length).toBe(4);
    fireEvent.keyDown(tree(), { key: 'ArrowLeft' });
    expect(rows().length).toBe(2);
  });

  it('opens the context menu of the chosen row by keyboard', async () => {
    await panel({ 'GET snapshots': page([snapshot({ note: 'mine' })]) });
    const targets: string[] = [];
    const listen = (event: Event): void => void targets.push((event.target as HTMLElement).dataset.jvsRow ?? '');
    document.addEventListener('contextmenu', listen);
    fireEvent.keyDown(tree(), { key: 'ArrowDown' });
    fireEvent.keyDown(tree(), { key: 'F10', shiftKey: true });
    document.removeEventListener('contextmenu', listen);
    expect(targets).toEqual(['snapshot']);
  });

  it('moves between tabs by arrow keys, and shows what was deleted', async () => {
    const { actions } = await panel({
      'GET snapshots': page([]),
      'GET deleted': page([
        deleted({ at: new Date(Date.now() - 58 * 60_000).toISOString() }),
        deleted({ file: 'data/clean.csv', what: 'overwritten', versions: 3, in_worktree: true, size: 4_000_000 })
      ])
    });
    fireEvent.keyDown(screen.getByRole('tab', { name: 'Timeline' }), { key: 'ArrowRight' });
    const grid = await screen.findByRole('grid', { name: 'Deleted files, newest first' });
    const [first, second] = await within(grid).findAllByRole('row');
    expect(first.textContent).toContain('deleted 58 min ago, in the file browser');
    expect(second.textContent).toContain('3 versions');
    expect(second.textContent).toContain('4.0 MB');
    await userEvent.click(within(first).getByRole('button', { name: 'Put hw1.ipynb back' }));
    expect(actions.recovery.putBack).toHaveBeenCalledTimes(1);
  });

  it('says what keeping a history of a folder takes, before it is asked to', async () => {
    const { actions } = await panel({
      'GET workspace': () => Promise.reject(refusal('E_NOT_A_REPOSITORY', 'none')),
      'GET adoption': {
        path: 'churn',
        files: 312,
        bytes: 238_000,
        space: 240_000,
        how: 'rename',
        reason: null,
        heavy: [{ path: '.venv', files: 27034, bytes: 542_000_000 }],
        complete: true,
        repo_path: 'churn-history'
      }
    });
    expect(await screen.findByText('312 files, 238 kB · stays where it is · about 240 kB more space')).toBeTruthy();
    expect(screen.getByText('.venv: 27034 files, 542 MB')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Keep a history of this folder' }));
    expect(actions.folders.keepHistory).toHaveBeenCalledWith(false);
    await userEvent.click(screen.getByRole('checkbox', { name: 'Leave these, and other caches, out of the history' }));
    await userEvent.click(screen.getByRole('button', { name: 'Keep a history of this folder' }));
    expect(actions.folders.keepHistory).toHaveBeenLastCalledWith(true);
  });

  it('names the served folder itself where that has no history', async () => {
    PageConfig.setOption('serverRoot', '/home/ana/spam');
    const { model } = await panel({
      'GET workspace': () => Promise.reject(refusal('E_NOT_A_REPOSITORY', 'none')),
      'GET adoption': () => Promise.reject(refusal('E_USAGE', 'no'))
    });
    expect(await screen.findByText('No history for “main” yet.')).toBeTruthy();
    await act(() => model.follow('train.ipynb', false));
    expect(await screen.findByText('No history for “spam” yet.')).toBeTruthy();
    PageConfig.setOption('serverRoot', '');
  });

  it('calls a folder that got its history in place by its own name', async () => {
    const adopted = { repo_root: '/home/ana/churn-history', worktree_path: '' };
    await panel({
      'GET workspace': workspace({ ...adopted, worktree_root: '/home/ana/churn-history/main' }),
      'GET snapshots': page([])
    });
    expect(screen.getByText('churn')).toBeTruthy();
  });

  it('says why no history can be kept', async () => {
    const reason = { code: 'E_USAGE', message: '/home/ana is a home folder', hint: 'keep one of a folder in it' };
    await panel({
      'GET workspace': () => Promise.reject(refusal('E_NOT_A_REPOSITORY', 'none')),
      'GET adoption': { path: '', files: 1, bytes: 1, space: 1, how: null, reason, heavy: [], complete: false, repo_path: null }
    });
    expect(await screen.findByText('/home/ana is a home folder')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Keep a history of this folder' })).toHaveProperty('disabled', true);
  });

  it('names the folder that the server must not use', async () => {
    await panel({ 'GET workspace': () => Promise.reject(refusal('E_OUTSIDE_ROOT', '/srv/team is outside', 'start it there')) });
    expect(screen.getByRole('alert').textContent).toContain('/srv/team is outside');
    expect(screen.getByRole('alert').textContent).toContain('start it there');
  });
});
