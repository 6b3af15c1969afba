import { describe, expect, it, vi } from 'vitest';

import { Api } from './api';
import { drivePath, SnapshotDrive } from './drive';

const ID = '1772614800000-0000000a';

describe('the drive of old files', () => {
  it.each([
    ['a snapshot', { snapshot_id: ID }],
    ['a kept copy', { copy_id: ID }]
  ])('finds a file of %s by its path again, whatever the names', async (_, source) => {
    const text = vi.fn(async () => 'content');
    const drive = new SnapshotDrive({ text } as unknown as Api);
    const path = drivePath('my folder/main', source, 'a/b @ c.tar.txt');
    expect(path).toContain(' @ 0000000a.txt');
    const model = await drive.get(path.replace('JVS:', ''), { content: true });
    expect(text).toHaveBeenCalledWith('my folder/main', source, 'a/b @ c.tar.txt');
    expect(model).toMatchObject({ writable: false, content: 'content', created: '2026-03-04T09:00:00.000Z' });
  });

  it('refuses to change anything', async () => {
    const drive = new SnapshotDrive({} as Api);
    await expect(drive.save()).rejects.toThrow('never changes');
    await expect(drive.delete()).rejects.toThrow('never changes');
  });

  it('believes no notebook that says it is trusted', async () => {
    const notebook = { metadata: { trusted: true }, cells: [{ metadata: { trusted: true }, outputs: [] }] };
    const drive = new SnapshotDrive({ text: async () => JSON.stringify(notebook) } as unknown as Api);
    const path = drivePath('', { snapshot_id: ID }, 'a.ipynb').replace('JVS:', '');
    const model = await drive.get(path, { type: 'notebook', content: true });
    expect(JSON.stringify(model.content)).not.toContain('trusted');
  });
});
