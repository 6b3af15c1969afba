/** The row of column headers: each sorts. */

import { ReactElement } from 'react';

import { Column } from './columns';
import { useRunsDesk } from './desk';
import { RunsModel } from './model';

/** The longest name that the server sorts by. */
const LONGEST_SORT = 199;

export function Header(props: { model: RunsModel; columns: readonly Column[] }): ReactElement {
  const { model, columns } = props;
  const { trans } = useRunsDesk();
  const isAll = model.list.items.length > 0 && model.marked.size === model.list.items.length;
  return (
    <div className="jvs-Runs-header" role="row" aria-rowindex={1}>
      <span role="columnheader">
        <input
          type="checkbox"
          aria-label={trans.__('Select all loaded runs')}
          checked={isAll}
          onChange={event => model.markAll(event.target.checked)}
        />
      </span>
      <span role="columnheader" aria-label={trans.__('Outcome')} />
      {columns.map(column => (
        <HeaderCell key={column.key} model={model} column={column} isFirst={isFirstOfKind(columns, column)} />
      ))}
      <span role="columnheader" aria-label={trans.__('Actions')} style={{ gridColumn: -2 }} />
    </div>
  );
}

function HeaderCell(props: { model: RunsModel; column: Column; isFirst: boolean }): ReactElement {
  const { model, column, isFirst } = props;
  const { trans } = useRunsDesk();
  const direction = directionOf(model.sort, column);
  const names = {
    when: trans.__('when'),
    name: trans.__('name'),
    work: trans.__('what'),
    time: trans.__('time'),
    parameter: column.name,
    metric: column.name
  };
  const kinds = { parameter: trans.__('parameter'), metric: trans.__('metric') } as Record<string, string>;
  const kind = kinds[column.kind];
  const sorted = { ascending: trans.__('smallest first'), descending: trans.__('largest first'), none: '' }[direction];
  return (
    <span
      role="columnheader"
      className="jvs-Runs-cell"
      data-kind={column.kind}
      data-number={column.isNumeric}
      data-first={isFirst}
      aria-sort={direction}
    >
      <button
        disabled={column.sort.length > LONGEST_SORT}
        title={[kind ? `${column.name} (${kind})` : names[column.kind], sorted, trans.__('click to sort')].filter(Boolean).join(' · ')}
        onClick={() => void model.narrow({ sort: nextSort(model.sort, column) })}
      >
        <span>{names[column.kind]}</span>
        {direction !== 'none' && <b aria-hidden="true">{direction === 'ascending' ? '▲' : '▼'}</b>}
      </button>
    </span>
  );
}

/** Whether a line is to be drawn before a column: parameters │ metrics │ time. */
export function isFirstOfKind(columns: readonly Column[], column: Column): boolean {
  const group = (one: Column | undefined): string => (one ? (['metric', 'time'].includes(one.kind) ? one.kind : '') : '');
  return group(column) !== '' && group(columns[columns.indexOf(column) - 1]) !== group(column);
}

type Direction = 'ascending' | 'descending' | 'none';

export function directionOf(sort: string | null, column: Column): Direction {
  const by = sort ?? '-started_at';
  return by === column.sort ? 'ascending' : by === `-${column.sort}` ? 'descending' : 'none';
}

/** What a click on a header sorts by: metrics and times the largest first, then the other way round, then as it was. */
export function nextSort(sort: string | null, column: Column): string | null {
  if (column.kind === 'when') {
    return sort === null ? column.sort : null;
  }
  const [first, second] =
    column.kind === 'metric' || column.kind === 'time' ? [`-${column.sort}`, column.sort] : [column.sort, `-${column.sort}`];
  return sort === first ? second : sort === second ? null : first;
}
