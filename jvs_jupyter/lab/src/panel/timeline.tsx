/** The Timeline tab: the history of the worktree, newest first. */

import { ReactElement, useMemo, useState } from 'react';

import { Snapshot } from '../shapes';
import { VirtualList } from '../virtual';
import { Below } from './below';
import { useDesk, useNow } from './desk';
import { Head } from './head';
import { Row, rowsOf } from './rows';
import { Search } from './search';
import { AutomaticRow, SnapshotRow, spoken } from './snapshot_row';

/** Heights of rows, in CSS pixels, as in the style sheet. */
const HEIGHTS = { day: 26, automatic: 28, short: 30, tall: 48 };

export function TimelineTab(): ReactElement {
  const { model, trans } = useDesk();
  const { workspace } = model;
  return (
    <>
      {workspace && <Head workspace={workspace} />}
      <Search
        label={trans.__('Filter snapshots')}
        placeholder={trans.__('filter: words, #tag, file name')}
        value={model.filter}
        onChange={filter => void model.narrow({ filter })}
      />
      {(model.file !== null || model.everywhere) && <Narrowed />}
      <List />
      {model.below && <Below below={model.below} />}
    </>
  );
}

/** What the timeline is about, when that is not the whole worktree. */
function Narrowed(): ReactElement {
  const { model, trans } = useDesk();
  return (
    <p className="jvs-Narrowed">
      {model.file !== null ? trans.__('History of %1', model.file) : trans.__('Snapshots of all folders')}
      <button className="jvs-Link" onClick={() => void model.narrow({ file: null, everywhere: false })}>
        {trans.__('show all')}
      </button>
    </p>
  );
}

function List(): ReactElement {
  const { model, actions, trans } = useDesk();
  const now = useNow();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const { state } = model.timeline;
  const items = state.kind === 'ready' ? state.items : NONE;
  const today = new Date(now).toDateString();
  const narrowed = model.filter.trim() !== '' || model.file !== null;
  // eslint-disable-next-line -- the rows change with the day, not with each moment
  const rows = useMemo(() => rowsOf(items, open, now, trans), [items, open, today, trans]);
  const fold = (row: Row, wanted?: boolean): void => {
    const isOpen = open.has(row.key);
    if (!isFoldable(row) || isOpen === wanted) {
      return;
    }
    const next = new Set(open);
    isOpen ? next.delete(row.key) : next.add(row.key);
    setOpen(next);
  };
  const act = (row: Row): void => {
    if (row.kind === 'automatic') {
      fold(row);
    } else if (row.kind === 'snapshot' && !row.item.expired) {
      void actions.viewing.compare(row.item.snapshot_id, null, model.file);
    }
  };
  if (state.kind === 'failed') {
    return (
      <p className="jvs-Empty" role="alert">
        {state.error.message}
      </p>
    );
  }
  return (
    <VirtualList
      role="tree"
      items={rows}
      rowHeight={heightOf}
      label={trans.__('Snapshots, newest first')}
      keyOf={row => row.key}
      isChoice={row => row.kind !== 'day'}
      attributesOf={row => ({
        'aria-level': row.kind === 'snapshot' && row.inner ? 2 : 1,
        'aria-expanded': isFoldable(row) ? row.open : undefined,
        'aria-label': row.kind === 'snapshot' ? spoken(row.item, now, trans) : undefined,
        'data-jvs-row': row.kind,
        'data-pinned': row.kind === 'snapshot' ? row.item.pins.length > 0 : undefined
      })}
      render={row => {
        switch (row.kind) {
          case 'day':
            return row.text;
          case 'automatic':
            return <AutomaticRow row={row} />;
          case 'snapshot':
            return <SnapshotRow row={row} now={now} onFold={() => fold(row)} />;
        }
      }}
      selected={model.chosen.timeline}
      onSelect={row => model.choose('timeline', row.key)}
      onClick={act}
      onOpen={act}
      onFold={fold}
      onEnd={() => void model.timeline.more()}
      empty={
        state.kind === 'loading'
          ? trans.__('Loading…')
          : narrowed
            ? trans.__('No snapshot matches.')
            : trans.__('No snapshot yet. Press Snapshot to take the first one.')
      }
    />
  );
}

const NONE: readonly Snapshot[] = [];

function isFoldable(row: Row): row is Exclude<Row, { kind: 'day' }> {
  return row.kind === 'automatic' || (row.kind === 'snapshot' && row.others.length > 0);
}

function heightOf(row: Row): number {
  if (row.kind !== 'snapshot') {
    return HEIGHTS[row.kind];
  }
  return hasSecondLine(row.item) ? HEIGHTS.tall : HEIGHTS.short;
}

function hasSecondLine(item: Snapshot): boolean {
  const badges = item.refs.length + item.tags.length + item.pins.length > 0 || item.run !== null;
  const marked = item.is_head || item.later || item.expired === true || item.consistency_level === 'best_effort';
  return badges || marked || (item.changed !== null && item.changed.total > 0);
}
