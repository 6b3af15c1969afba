/** The files of a snapshot, one folder at a time. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement, useCallback, useEffect, useState } from 'react';

import { Actions } from './actions';
import { FileEntry } from './api';
import { baseName, size } from './format';
import { WorkspaceModel } from './model';
import { VirtualList } from './virtual';

export interface FilesProps {
  snapshot: string;
  model: WorkspaceModel;
  actions: Actions;
  trans: TranslationBundle;
}

export function Files(props: FilesProps): ReactElement {
  const { snapshot, model, actions, trans } = props;
  const [folder, setFolder] = useState('');
  const [entries, setEntries] = useState<FileEntry[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [selected, setSelected] = useState<FileEntry | null>(null);

  const load = useCallback(
    async (after: string | null) => {
      try {
        const page = await model.files(snapshot, folder, after);
        setEntries(before => (after === null ? page.items : [...before, ...page.items]));
        setNext(page.next);
      } catch (error) {
        model.fail(error as Error);
      }
    },
    [model, snapshot, folder]
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
      void actions.open(snapshot, entry.path);
    }
  };
  const file = selected?.type === 'file' ? selected : null;
  return (
    <>
      <nav className="jvs-Crumbs" aria-label={trans.__('Folder')}>
        <button onClick={() => setFolder('')}>{trans.__('all files')}</button>
        {crumbs(folder).map(path => (
          <button key={path} onClick={() => setFolder(path)}>
            {baseName(path)}
          </button>
        ))}
        <span className="jvs-Spring" />
        <button disabled={!selected} onClick={() => selected && open(selected)}>
          {trans.__('Open')}
        </button>
        <button disabled={!file} onClick={() => file && void actions.restoreFile(snapshot, file.path)}>
          {trans.__('Restore this file…')}
        </button>
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
            {entry.type === 'file' && <span className="jvs-File-size">{size(entry.size)}</span>}
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
    </>
  );
}

function crumbs(folder: string): string[] {
  const parts = folder ? folder.split('/') : [];
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
