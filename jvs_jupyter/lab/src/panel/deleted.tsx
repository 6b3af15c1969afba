/** The Deleted tab: files that were deleted or overwritten, and putting them back. */

import { ellipsesIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement, useMemo } from 'react';

import { baseName, day, dirName, shortId, size, whenThatDay } from '../format';
import { keyOfDeleted } from '../model/workspace';
import { Deleted } from '../shapes';
import { openMenu, VirtualList } from '../virtual';
import { useDesk, useNow } from './desk';
import { Search } from './search';

type Row = { kind: 'day'; key: string; text: string } | { kind: 'file'; key: string; item: Deleted };

const HEIGHTS = { day: 26, file: 48 };

export function DeletedTab(): ReactElement {
  const { model, actions, trans } = useDesk();
  const now = useNow();
  const { state } = model.deleted;
  const items = state.kind === 'ready' ? state.items : NONE;
  const today = new Date(now).toDateString();
  const rows = useMemo(() => rowsOf(items, now, trans), [items, today, trans]);
  const putBack = (item: Deleted): void => void actions.recovery.putBack(item);
  return (
    <>
      <Search
        label={trans.__('Search deleted files')}
        placeholder={trans.__('search files, also deleted ones')}
        value={model.search}
        onChange={search => void model.seek({ search })}
      />
      {model.deletedFrom !== '' && (
        <p className="jvs-Narrowed">
          {trans.__('Deleted from %1', model.deletedFrom)}
          <button className="jvs-Link" onClick={() => void model.seek({ deletedFrom: '' })}>
            {trans.__('show all')}
          </button>
        </p>
      )}
      {state.kind === 'failed' ? (
        <p className="jvs-Empty" role="alert">
          {state.error.message}
        </p>
      ) : (
        <VirtualList
          role="grid"
          items={rows}
          rowHeight={row => HEIGHTS[row.kind]}
          label={trans.__('Deleted files, newest first')}
          keyOf={row => row.key}
          isChoice={row => row.kind === 'file'}
          attributesOf={row => ({
            'data-jvs-row': row.kind === 'file' ? 'deleted' : undefined,
            'aria-label': row.kind === 'file' ? `${row.item.file}, ${story(row.item, now, trans)}` : undefined
          })}
          render={(row, isSelected) =>
            row.kind === 'day' ? row.text : <File item={row.item} now={now} isSelected={isSelected} />
          }
          selected={model.chosen.deleted}
          onSelect={row => model.choose('deleted', row.key)}
          onOpen={row => row.kind === 'file' && putBack(row.item)}
          onClick={() => undefined}
          onEnd={() => void model.deleted.more()}
          empty={
            state.kind === 'loading'
              ? trans.__('Loading…')
              : model.search || model.deletedFrom
                ? trans.__('No deleted file matches.')
                : trans.__('The history has no deleted file here.')
          }
        />
      )}
    </>
  );
}

function File(props: { item: Deleted; now: number; isSelected: boolean }): ReactElement {
  const { model, actions, trans } = useDesk();
  const { item, isSelected } = props;
  const folder = dirName(item.file);
  const tabIndex = isSelected ? 0 : -1;
  const enabled = (model.workspace?.can.put_back ?? false) && model.operations.current === null;
  return (
    <div className="jvs-Deleted" role="gridcell">
      <div className="jvs-Line">
        <span className="jvs-Title" title={item.file}>
          {folder && <span className="jvs-Dim">{folder}/</span>}
          {baseName(item.file)}
        </span>
        <button
          className="jvs-Small"
          tabIndex={tabIndex}
          disabled={!enabled}
          aria-label={trans.__('Put %1 back', item.file)}
          onClick={() => void actions.recovery.putBack(item)}
        >
          {trans.__('Put back')}
        </button>
        <button
          className="jvs-Small jvs-Wide"
          tabIndex={tabIndex}
          onClick={() => void (item.in_worktree ? actions.recovery.compare(item) : actions.recovery.open(item))}
        >
          {item.in_worktree ? trans.__('Compare') : item.binary ? trans.__('View') : trans.__('Open')}
        </button>
        <button
          className="jvs-Icon jvs-More"
          tabIndex={tabIndex}
          aria-label={trans.__('Actions for %1', item.file)}
          aria-haspopup="menu"
          onClick={event => openMenu(event.currentTarget)}
        >
          <ellipsesIcon.react tag="span" />
        </button>
      </div>
      <div className="jvs-Line jvs-Second">
        <span className="jvs-Changed">
          {story(item, props.now, trans)}
          {item.versions > 1 && ` · ${trans.__('%1 versions', item.versions)}`}
        </span>
        <span className="jvs-Size">{size(item.size)}</span>
      </div>
    </div>
  );
}

/** What happened to a file, when, and by which change. */
export function story(item: Deleted, now: number, trans: TranslationBundle): string {
  const time = whenThatDay(item.at, now, trans);
  const { kind, snapshot_id, note } = item.by;
  if (item.what === 'overwritten') {
    return trans.__('overwritten %1', time);
  }
  if (kind === 'browser') {
    return trans.__('deleted %1, in the file browser', time);
  }
  if (item.what === 'deleted') {
    return trans.__('deleted %1', time);
  }
  if (kind === 'restore') {
    return trans.__('gone %1, by going back', time);
  }
  const name = note?.split('\n')[0];
  if (name) {
    return trans.__('gone with “%1”, %2', name, time);
  }
  return snapshot_id === null ? trans.__('gone %1', time) : trans.__('gone %1 (snapshot %2)', time, shortId(snapshot_id));
}

const NONE: readonly Deleted[] = [];

function rowsOf(items: readonly Deleted[], now: number, trans: TranslationBundle): Row[] {
  const rows: Row[] = [];
  let today = '';
  for (const item of items) {
    const text = day(item.at, now, trans);
    if (text !== today) {
      today = text;
      rows.push({ kind: 'day', key: `day ${keyOfDeleted(item)}`, text });
    }
    rows.push({ kind: 'file', key: keyOfDeleted(item), item });
  }
  return rows;
}
