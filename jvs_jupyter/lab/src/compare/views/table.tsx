/** A table: rows that differ, what changed in them marked. */

import { ReactElement, UIEvent, useEffect, useMemo, useRef, useState } from 'react';

import { RowChange, TableDetail } from '../difference';
import { Tools } from '../tools';

/** The height of a row, in pixels. */
const ROW = 28;
const MARGIN = 10;
/** With more columns only those are shown, at first, in which something differs. */
const MANY = 30;

export interface TableViewProps {
  detail: TableDetail;
  tools: Tools;
}

export function TableView(props: TableViewProps): ReactElement {
  const { detail, tools } = props;
  const { trans } = tools;
  const differing = useMemo(() => differingColumns(detail), [detail]);
  const isWide = detail.columns.length > MANY && differing.length < detail.columns.length;
  const [onlyDiffering, setOnlyDiffering] = useState(isWide);
  const shown = onlyDiffering && differing.length > 0 ? differing : detail.columns.map((_, at) => at);
  return (
    <>
      <div className="jvs-Said" role="note">
        {tableWords(detail, tools).join(' · ')}
        {isWide && (
          <label>
            <input
              type="checkbox"
              checked={onlyDiffering}
              onChange={event => setOnlyDiffering(event.target.checked)}
            />
            {trans.__('only columns in which something differs')}
          </label>
        )}
      </div>
      {detail.rows.length > 0 && <Grid detail={detail} columns={shown} tools={tools} />}
    </>
  );
}

function Grid(props: { detail: TableDetail; columns: readonly number[]; tools: Tools }): ReactElement {
  const { detail, columns, tools } = props;
  const { trans } = tools;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(() => setHeight(node.clientHeight));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(top / ROW) - MARGIN);
  const last = Math.min(detail.rows.length, Math.ceil((top + height) / ROW) + MARGIN);
  const template = useMemo(() => templateOf(detail, columns), [detail, columns]);
  return (
    <div
      ref={box}
      className="jvs-Grid"
      role="table"
      aria-label={trans.__('Rows that differ')}
      aria-rowcount={detail.rows.length + 1}
      aria-colcount={columns.length + 2}
      tabIndex={0}
      onScroll={(event: UIEvent<HTMLDivElement>) => setTop(event.currentTarget.scrollTop)}
    >
      <div className="jvs-Grid-row jvs-Grid-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
        <span role="columnheader" aria-label={trans.__('What happened')} />
        <span role="columnheader">{trans.__('row')}</span>
        {columns.map(at => (
          <Head key={at} column={detail.columns[at]} tools={tools} />
        ))}
      </div>
      <div role="rowgroup" style={{ height: detail.rows.length * ROW, position: 'relative', width: 'max-content' }}>
        {detail.rows.slice(first, last).map((row, offset) => (
          <div
            key={first + offset}
            className="jvs-Grid-row"
            role="row"
            aria-rowindex={first + offset + 2}
            data-change={row.change}
            style={{ gridTemplateColumns: template, top: (first + offset) * ROW, height: ROW, position: 'absolute' }}
          >
            <span role="cell" className="jvs-Grid-sign" aria-label={rowWord(row, tools)}>
              {{ added: '+', removed: '−', changed: '~' }[row.change]}
            </span>
            <span role="cell" className="jvs-Grid-number">
              {rowNumber(row)}
            </span>
            {columns.map(at => (
              <Value key={at} row={row} column={at} />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

function Head(props: { column: TableDetail['columns'][number]; tools: Tools }): ReactElement {
  const { column, tools } = props;
  const { trans } = tools;
  const word =
    column.change === 'added'
      ? trans.__('added')
      : column.change === 'removed'
        ? trans.__('removed')
        : column.change === 'type'
          ? `${column.old_type} → ${column.new_type}`
          : '';
  return (
    <span role="columnheader" data-change={column.change} title={[column.name, word].join(' ')}>
      {column.name}
      {word && <small> {word}</small>}
    </span>
  );
}

function Value(props: { row: RowChange; column: number }): ReactElement {
  const { row, column } = props;
  const old = row.old?.[column] ?? null;
  const now = row.new?.[column] ?? null;
  if (row.change === 'changed' && row.differing.includes(column)) {
    return (
      <span role="cell" data-differs="" title={`${old ?? '∅'} → ${now ?? '∅'}`}>
        <del>{old ?? '∅'}</del> <ins>{now ?? '∅'}</ins>
      </span>
    );
  }
  const shown = row.change === 'removed' ? old : now;
  return (
    <span role="cell" title={shown ?? ''}>
      {shown === null ? <i>∅</i> : shown}
    </span>
  );
}

/** What changed, in words and counts. */
function tableWords(detail: TableDetail, tools: Tools): string[] {
  const { trans } = tools;
  const about = detail.exact ? '' : trans.__('about ');
  const shape = (found: [number, number] | null): string =>
    found ? trans.__('%1 rows × %2 columns', figure(found[0]), figure(found[1])) : '–';
  const isSameShape = String(detail.old_shape) === String(detail.new_shape);
  return [
    isSameShape ? shape(detail.new_shape) : `${shape(detail.old_shape)} → ${shape(detail.new_shape)}`,
    detail.rows_changed && about + trans._n('%1 row changed', '%1 rows changed', detail.rows_changed),
    detail.rows_added && about + trans._n('%1 row added', '%1 rows added', detail.rows_added),
    detail.rows_removed && about + trans._n('%1 row removed', '%1 rows removed', detail.rows_removed),
    detail.reordered && trans.__('the same rows in another order'),
    detail.rows.length < detail.rows_changed + detail.rows_added + detail.rows_removed &&
      trans.__('the first %1 are shown', figure(detail.rows.length))
  ].filter((part): part is string => Boolean(part));
}

function differingColumns(detail: TableDetail): number[] {
  const found = new Set(detail.rows.flatMap(row => row.differing));
  detail.columns.forEach((column, at) => column.change !== 'same' && found.add(at));
  return [...found].sort((one, other) => one - other);
}

/** Widths of the columns, by what the first rows hold. */
function templateOf(detail: TableDetail, columns: readonly number[]): string {
  const sample = detail.rows.slice(0, 50);
  const widths = columns.map(at => {
    const lengths = sample.map(row => {
      const [old, now] = [row.old?.[at]?.length ?? 0, row.new?.[at]?.length ?? 0];
      return row.change === 'changed' && row.differing.includes(at) ? old + now + 2 : Math.max(old, now);
    });
    const { name, change } = detail.columns[at];
    const head = name.length + (change === 'same' ? 0 : 9);
    return `calc(${Math.min(40, Math.max(head, ...lengths, 4)) + 1}ch + 18px)`;
  });
  return ['32px', '12ch', ...widths].join(' ');
}

function rowNumber(row: RowChange): string {
  const [old, now] = [row.old_row, row.new_row].map(index => (index === null ? null : figure(index + 1)));
  return old !== null && now !== null && old !== now ? `${old} → ${now}` : (now ?? old ?? '');
}

function rowWord(row: RowChange, tools: Tools): string {
  const { trans } = tools;
  return { added: trans.__('added'), removed: trans.__('removed'), changed: trans.__('changed') }[row.change];
}

function figure(value: number): string {
  return value.toLocaleString();
}
