/** The files of a snapshot, one folder at a time. */

import { ReactElement, useCallback, useEffect, useState } from 'react';

import { baseName, size } from '../format';
import { FileEntry, Snapshot } from '../shapes';
import { VirtualList } from '../virtual';
import { useDesk } from './desk';

export function Files(props: { snapshot: Snapshot }): ReactElement {
  const { model, actions, trans } = useDesk();
  const { snapshot } = props;
  const id = snapshot.snapshot_id;
  const [folder, setFolder] = useState('');
  const [entries, setEntries] = useState<FileEntry[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [selected, setSelected] = useState<FileEntry | null>(null);

  const load = useCallback(
    (after: string | null) =>
      actions.bench.attempt(async () => {
        const page = await model.files(id, folder, after);
        setEntries(before => (after === null ? page.items : [...before, ...page.items]));
        setNext(page.next);
      }),
    [model, actions, id, folder]
  );
  useEffect(() => {
    setEntries([]);
    setNext(null);
    setSelected(null);
    void load(null);
  }, [load]);

  const open = (entry: FileEntry): void => {
    if (entry.type === 'directory') {
      setFolder(entry.path);
    } else if (entry.type === 'file') {
      void actions.viewing.open({ snapshot_id: id }, entry.path);
    }
  };
  const file = selected?.type === 'file' ? selected : null;
  return (
    <>
      <nav className="jvs-Crumbs" aria-label={trans.__('Folder')}>
        <button className="jvs-Link" onClick={() => setFolder('')}>
          {trans.__('all files')}
        </button>
        {crumbs(folder).map(path => (
          <span key={path}>
            {' / '}
            <button className="jvs-Link" onClick={() => setFolder(path)}>
              {baseName(path)}
            </button>
          </span>
        ))}
      </nav>
      <VirtualList
        items={entries}
        rowHeight={24}
        label={trans.__('Files of the snapshot')}
        keyOf={entry => entry.path}
        render={entry => (
          <span className="jvs-File" data-type={entry.type} title={entry.path}>
            <span className="jvs-File-name">
              {baseName(entry.path)}
              {entry.type === 'directory' ? '/' : entry.type === 'symlink' ? ` → ${entry.target}` : ''}
            </span>
            {entry.type === 'file' && <span className="jvs-Size">{size(entry.size)}</span>}
          </span>
        )}
        selected={selected?.path}
        onSelect={setSelected}
        onOpen={open}
        onEnd={() => {
          if (next !== null) {
            setNext(null);
            void load(next);
          }
        }}
        empty={trans.__('An empty folder.')}
      />
      <div className="jvs-Buttons" role="toolbar" aria-label={trans.__('The chosen file')}>
        <button className="jvs-Small" disabled={!selected} onClick={() => selected && open(selected)}>
          {trans.__('Open')}
        </button>
        <button
          className="jvs-Small"
          disabled={!file || !model.workspace?.can.restore_inplace}
          onClick={() => file && void actions.restores.file(snapshot, file.path)}
        >
          {trans.__('Put back here')}
        </button>
        <button
          className="jvs-Small"
          disabled={!file}
          onClick={() => file && actions.viewing.download({ snapshot_id: id }, file.path)}
        >
          {trans.__('Download')}
        </button>
      </div>
    </>
  );
}

function crumbs(folder: string): string[] {
  const parts = folder ? folder.split('/') : [];
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
