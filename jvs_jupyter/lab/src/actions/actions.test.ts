import { beforeEach, describe, expect, it, vi } from 'vitest';

import { bench } from '../testing/bench';
import { deleted, snapshot, workspace } from '../testing/samples';
import { page, refusal } from '../testing/server';
import { FolderActions } from './folders';
import { Recovery } from './recovery';
import { RestoreActions } from './restores';
import { SnapshotActions } from './snapshots';
import { isText, Viewing } from './viewing';

const asked = vi.hoisted(() => ({
  askGoBack: vi.fn(),
  askOverwrite: vi.fn(),
  askAnnotation: vi.fn(),
  askFolder: vi.fn(),
  askOther: vi.fn(),
  askPlace: vi.fn(),
  askRef: vi.fn(),
  askName: vi.fn(),
  confirmed: vi.fn()
}));
vi.mock('../dialogs', () => asked);

const ANSWERS = { 'GET workspace': workspace(), 'GET snapshots': page([]), 'GET deleted': page([]) };
const DONE = {
  snapshot_id: '1772614800000-00000001',
  pre_restore_snapshot_id: '1772618400000-00000002',
  worktree: 'main',
  path: '/home/me/churn/main',
  contents_path: 'churn/main',
  added: [],
  modified: ['train.ipynb'],
  removed: []
};

beforeEach(() => Object.values(asked).forEach(ask => ask.mockReset()));

describe('going back', () => {
  async function restores(answers: Record<string, unknown> = {}) {
    const made = await bench({ ...ANSWERS, 'POST restores': DONE, ...answers });
    return { ...made, restores: new RestoreActions(made.bench, new Viewing(made.bench)) };
  }

  it('saves and changes nothing before it was answered', async () => {
    const { restores: actions, server, documents, told } = await restores();
    documents.unsaved = ['churn/main/train.ipynb'];
    asked.askGoBack.mockResolvedValue(null);
    await actions.goBack(snapshot());
    expect(asked.askGoBack.mock.calls[0][1]).toMatchObject({
      changes: [{ path: 'train.ipynb', change: 'modified' }],
      unsaved: ['churn/main/train.ipynb']
    });
    expect(server.calls('POST restores').map(values => values.dry_run)).toEqual([true]);
    expect(documents.saveEditsBelow).not.toHaveBeenCalled();
    expect(told).toEqual([]);
  });

  it('says where what was here is kept, and offers to undo and compare', async () => {
    const { restores: actions, server, told, documents } = await restores();
    asked.askGoBack.mockResolvedValue('');
    await actions.goBack(snapshot());
    expect(server.calls('POST restores').at(-1)).toMatchObject({ inplace: true, confirm: true });
    expect(told[0].text).toMatch(/^Went back to .* The history keeps what was here as /);
    expect(told[0].offers.map(offer => offer.label)).toEqual(['Undo', 'Compare']);
    expect(documents.reloadBelow).toHaveBeenCalled();
  });

  it('does not ask where nothing would change', async () => {
    const { restores: actions, told } = await restores({ 'POST restores': { ...DONE, modified: [] } });
    await actions.goBack(snapshot());
    expect(asked.askGoBack).not.toHaveBeenCalled();
    expect(told[0].text).toContain('nothing changes');
  });

  it('is offered instead of an undo that would take more than one action back', async () => {
    const id = '1772618400000-00000002';
    const { restores: actions, server, failed } = await restores({
      'POST undo': () => Promise.reject(refusal('E_NOTHING_TO_UNDO', 'work since', `restore ${id}`)),
      [`GET snapshots/${id}`]: snapshot({ snapshot_id: id, note: 'before going back' })
    });
    asked.askGoBack.mockResolvedValue(null);
    await actions.undo();
    expect(asked.askGoBack.mock.calls[0][1].title).toMatch(/^Something else changed since then. Go back to .*before going back\?$/);
    expect(server.calls('POST undo').length).toBe(1);
    expect(server.calls('POST restores').every(values => values.dry_run)).toBe(true);
    expect(failed).toEqual([]);
  });

  it('puts one file back without a reason, and asks only where it replaces something', async () => {
    const gone = page([{ path: 'a.csv', change: 'removed' }]);
    const { restores: actions, server } = await restores({
      'GET compare': { ...gone, counts: { added: 0, modified: 0, removed: 1 } }
    });
    await actions.file(snapshot(), 'a.csv');
    expect(asked.askOverwrite).not.toHaveBeenCalled();
    expect(server.calls('POST restores')[0]).not.toHaveProperty('inplace');

    const changed = page([{ path: 'a.csv', change: 'modified' }]);
    server.answers['GET compare'] = { ...changed, counts: { added: 0, modified: 1, removed: 0 } };
    asked.askOverwrite.mockResolvedValue(false);
    await actions.file(snapshot(), 'a.csv');
    expect(server.calls('POST restores').length).toBe(1);
    asked.askOverwrite.mockResolvedValue(true);
    await actions.file(snapshot(), 'a.csv');
    expect(server.calls('POST restores')[1]).toMatchObject({ inplace: true, file: 'a.csv', confirm: true });
  });
});

describe('deleted files', () => {
  async function recovery(answers: Record<string, unknown> = {}) {
    const made = await bench({ ...ANSWERS, ...answers });
    return { ...made, recovery: new Recovery(made.bench, new Viewing(made.bench)) };
  }
  const back = { file: 'hw1.ipynb', path: 'churn/main/hw1.ipynb', snapshot_id: null, renamed: false };

  it('are put back from the snapshot or the copy that holds them, and can be opened', async () => {
    const { recovery: actions, server, told, opened } = await recovery({ 'POST deleted': back });
    await actions.putBack(deleted({ source: { copy_id: '1772614800000-0000000a' } }));
    expect(server.calls('POST deleted')[0]).toMatchObject({ file: 'hw1.ipynb', copy: '1772614800000-0000000a' });
    expect(told[0].text).toBe('hw1.ipynb is back.');
    told[0].offers[0].act();
    expect(opened).toEqual(['churn/main/hw1.ipynb']);
  });

  it('say under which name they are back where something else is', async () => {
    const renamed = { ...back, file: 'hw1 (10.41).ipynb', renamed: true };
    const { recovery: actions, told } = await recovery({ 'POST deleted': renamed });
    await actions.putBack(deleted());
    expect(told[0].text).toBe('Put back as hw1 (10.41).ipynb, because there already is a hw1.ipynb.');
  });

  it('are brought back by Undo right after the delete, once the history knows of it', async () => {
    let looks = 0;
    const { recovery: actions, server, told } = await recovery({
      'POST deleted': back,
      'GET deleted': () => page(++looks < 4 ? [] : [deleted()])
    });
    await actions.offerUndo(['churn/main/hw1.ipynb']);
    expect(told[0].text).toBe('hw1.ipynb deleted.');
    told[0].offers[0].act();
    await vi.waitFor(() => expect(told.length).toBe(2), 5000);
    expect(told[1].text).toBe('hw1.ipynb is back.');
    expect(server.calls('POST deleted').length).toBe(1);
  });

  it('are not spoken of where no history is kept', async () => {
    const { recovery: actions, server, told } = await recovery();
    server.answers['GET workspace'] = () => Promise.reject(refusal('E_NOT_A_REPOSITORY', 'none'));
    await actions.offerUndo(['elsewhere/a.txt']);
    expect(told).toEqual([]);
  });
});

describe('a snapshot', () => {
  it('is taken after unsaved documents were saved, and its note can be edited afterwards', async () => {
    const made = await bench({ ...ANSWERS, 'POST snapshots': snapshot() });
    await new SnapshotActions(made.bench).take();
    expect(made.documents.saveBelow).toHaveBeenCalledWith('churn/main');
    expect(made.told[0].offers.map(offer => offer.label)).toEqual(['Edit note']);
  });

  it('gets only what changed of its note and tags', async () => {
    const item = snapshot({ note: 'old', tags: ['a', 'b'] });
    const made = await bench({ ...ANSWERS, [`PATCH snapshots/${item.snapshot_id}`]: {} });
    const actions = new SnapshotActions(made.bench);
    asked.askAnnotation.mockResolvedValue({ note: 'old', tags: ['b', 'c'] });
    await actions.edit(item);
    const [patch] = made.server.calls(`PATCH snapshots/${item.snapshot_id}`);
    expect(patch).toMatchObject({ note: null, add_tags: ['c'], remove_tags: ['a'] });
    asked.askAnnotation.mockResolvedValue({ note: 'old', tags: ['a', 'b'] });
    await actions.edit(item);
    expect(made.server.calls(`PATCH snapshots/${item.snapshot_id}`).length).toBe(1);
  });
});

describe('a folder without history', () => {
  const plan = { path: 'churn', files: 1, bytes: 1, space: 1, reason: null, heavy: [], complete: true, repo_path: 'churn-history' };

  it('gets one in place, documents saved first, nothing moved', async () => {
    const made = await bench({
      ...ANSWERS,
      'GET adoption': { ...plan, how: 'rename' },
      'POST repositories': { contents_path: 'churn-history', path: 'churn' }
    });
    await new FolderActions(made.bench).keepHistory();
    expect(made.documents.saveBelow).toHaveBeenCalled();
    expect(made.server.calls('POST repositories')).toEqual([{ path: 'churn/main', adopt: true }]);
    expect(made.documents.moveOver).not.toHaveBeenCalled();
    await new FolderActions(made.bench).keepHistory(true);
    expect(made.server.calls('POST repositories')[1]).toEqual({ path: 'churn/main', adopt: true, exclude_caches: true });
  });

  it('has documents and kernels move over where only a copy can have one, after asking', async () => {
    const reason = { code: 'E_USAGE', message: 'a mount point', hint: null };
    const made = await bench({
      ...ANSWERS,
      'GET adoption': { ...plan, how: 'copy', reason },
      'POST repositories': { contents_path: 'churn-history' }
    });
    asked.confirmed.mockResolvedValue(false);
    await new FolderActions(made.bench).keepHistory();
    expect(made.server.calls('POST repositories')).toEqual([]);
    expect(made.documents.saveBelow).not.toHaveBeenCalled();
    asked.confirmed.mockResolvedValue(true);
    await new FolderActions(made.bench).keepHistory();
    expect(made.documents.moveOver).toHaveBeenCalledWith('churn/main', 'churn-history/main');
  });
});

describe('looking at what was', () => {
  it('uses the compare tab where there is one, else the list of changed files', async () => {
    const made = await bench(ANSWERS);
    const viewing = new Viewing(made.bench);
    await viewing.compare('a', null);
    expect(made.model.below).toEqual({ kind: 'changes', from: 'a', to: null });
    made.commands.hasCommand.mockReturnValue(true);
    await viewing.compare('a', null, 'train.ipynb');
    expect(made.commands.execute).toHaveBeenCalledWith('jvs-snapshots:compare-tab', {
      path: 'churn/main/train.ipynb',
      from: 'a',
      to: 'now',
      file: 'train.ipynb'
    });
  });

  it.each([
    ['plain', [104, 105], true],
    ['empty', [], true],
    ['cut in the middle of a letter', [0x41, 0xc3], true],
    ['with NUL', [0x41, 0], false],
    ['not UTF-8', [0x80, 0x04, 0x95], false]
  ])('tells text from other content: %s', (_, bytes, expected) => {
    expect(isText(new Uint8Array(bytes))).toBe(expected);
  });
});
