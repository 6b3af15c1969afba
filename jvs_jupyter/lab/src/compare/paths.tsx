/** All paths that differ, in groups. */

import { TranslationBundle } from '@jupyterlab/translation';
import { KeyboardEvent, ReactElement, useMemo, useState } from 'react';

import { baseName, dirName } from '../format';
import { Difference, Differences, Group } from './difference';
import { changeName, groupName, inOrder, SIGNS } from './words';

/** Paths that are listed; more are counted. */
const PAGE = 500;

export interface PathsProps {
  found: Differences;
  selected: string | null;
  trans: TranslationBundle;
  onSelect: (path: string) => void;
}

export function Paths(props: PathsProps): ReactElement {
  const { found, selected, trans, onSelect } = props;
  const [most, setMost] = useState(PAGE);
  const groups = useMemo(() => grouped(found.changes ?? []), [found]);
  const all = groups.flatMap(([, changes]) => changes);
  const shown = new Set(all.slice(0, most));
  const move = (event: KeyboardEvent): void => {
    const at = all.findIndex(change => change.path === selected);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.size - 1 };
    if (event.key in moves && all.length) {
      const next = all[Math.min(shown.size - 1, Math.max(0, moves[event.key]))];
      onSelect(next.path);
      document.getElementById(idOf(next.path))?.scrollIntoView({ block: 'nearest' });
      event.preventDefault();
    }
  };
  return (
    <div className="jvs-Paths">
      <div
        className="jvs-Paths-list"
        role="listbox"
        aria-label={trans.__('What changed')}
        aria-activedescendant={selected === null ? undefined : idOf(selected)}
        tabIndex={0}
        onKeyDown={move}
      >
        {groups.map(([group, changes]) => (
          <div key={group} role="group" aria-label={nameOf(group, trans)}>
            <div className="jvs-Paths-group" aria-hidden>
              {nameOf(group, trans)}
            </div>
            {changes
              .filter(change => shown.has(change))
              .map(change => (
                <PathRow
                  key={change.path}
                  change={change}
                  isSelected={change.path === selected}
                  trans={trans}
                  onSelect={onSelect}
                />
              ))}
          </div>
        ))}
        {all.length === 0 && <p className="jvs-None">{trans.__('Nothing differs between these two times.')}</p>}
      </div>
      {all.length > most && (
        <button className="jvs-Link" onClick={() => setMost(most + PAGE)}>
          {trans._n('and %1 more', 'and %1 more', all.length - most)}
        </button>
      )}
      {found.stopped.map(sentence => (
        <p key={sentence} className="jvs-None">
          {sentence}
        </p>
      ))}
    </div>
  );
}

function PathRow(props: {
  change: Difference;
  isSelected: boolean;
  trans: TranslationBundle;
  onSelect: (path: string) => void;
}): ReactElement {
  const { change, isSelected, trans } = props;
  const folder = dirName(change.path.replace(/\/$/, ''));
  const came = change.old_path === null ? '' : trans.__('was %1', change.old_path);
  return (
    <div
      id={idOf(change.path)}
      className="jvs-Paths-row"
      role="option"
      aria-selected={isSelected}
      aria-label={[change.path, changeName(change.change, trans), change.words, came].filter(Boolean).join(', ')}
      title={[change.path, came].filter(Boolean).join('\n')}
      data-change={change.change}
      onClick={() => props.onSelect(change.path)}
    >
      <b>{SIGNS[change.change]}</b>
      <span className="jvs-Paths-name">
        {baseName(change.path)}
        {folder && <small> {folder}</small>}
      </span>
      <span className="jvs-Paths-words">{change.words}</span>
    </div>
  );
}

type Heading = Group | 'caches';

/** The changes in order, under headings. */
function grouped(changes: readonly Difference[]): [Heading, Difference[]][] {
  const groups = new Map<Heading, Difference[]>();
  for (const change of inOrder(changes)) {
    const heading = change.cache ? 'caches' : change.group;
    const found = groups.get(heading) ?? [];
    found.push(change);
    groups.set(heading, found);
  }
  return [...groups];
}

function nameOf(heading: Heading, trans: TranslationBundle): string {
  return heading === 'caches' ? trans.__('Caches') : groupName(heading, trans);
}

function idOf(path: string): string {
  return `jvs-changed-${path}`;
}
