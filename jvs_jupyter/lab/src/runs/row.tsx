/** The cells of a run's row. */

import { ellipsesIcon } from '@jupyterlab/ui-components';
import { ReactElement } from 'react';

import { ago, second } from '../format';
import { Run } from '../shapes';
import { openMenu } from '../virtual';
import { Column } from './columns';
import { useRunsDesk } from './desk';
import { isFirstOfKind } from './header';
import { RunsModel } from './model';
import { failure, hasFailed, hasFailedCell, isUnderWay, markOf, nameOf, outcomeOf, soFar } from './outcome';
import { delta, duration, shown, under } from './values';

/** How much of a value is told when the pointer rests on it, in characters. */
const MOST_TOLD = 2000;
/** Columns before those of the runs: box and outcome. */
const BEFORE = 2;

interface Props {
  model: RunsModel;
  run: Run;
  columns: readonly Column[];
  now: number;
}

export function RunCells(props: Props): ReactElement {
  const { model, run, columns } = props;
  const { trans } = useRunsDesk();
  const isCurrent = model.current === run.run_id;
  const tabIndex = isCurrent ? 0 : -1;
  const hasWords = isUnderWay(run) || hasFailed(run);
  const result = columns.findIndex(({ kind }) => kind === 'metric' || kind === 'time');
  const plain = hasWords && result >= 0 ? columns.slice(0, result) : columns;
  return (
    <>
      <span role="gridcell" className="jvs-Runs-box">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={trans.__('Select %1', nameOf(run))}
          checked={model.marked.has(run.run_id)}
          onClick={event => event.stopPropagation()}
          onChange={event => model.mark(run.run_id, event.target.checked)}
        />
      </span>
      <span
        role="gridcell"
        className="jvs-Runs-mark"
        data-outcome={isUnderWay(run) ? 'started' : run.outcome}
        title={outcomeOf(run, trans)}
        aria-label={outcomeOf(run, trans)}
      >
        {markOf(run)}
      </span>
      {plain.map(column => (
        <Cell key={column.key} {...props} column={column} isFirst={isFirstOfKind(columns, column)} />
      ))}
      {hasWords && (
        <span
          role="gridcell"
          className="jvs-Runs-words"
          data-outcome={isUnderWay(run) ? 'started' : run.outcome}
          style={{ gridColumn: `${BEFORE + plain.length + 1} / -2` }}
        >
          {isUnderWay(run) ? <UnderWay run={run} tabIndex={tabIndex} /> : <FailedWords run={run} tabIndex={tabIndex} />}
        </span>
      )}
      <span role="gridcell" className="jvs-Runs-actions">
        <button
          className="jvs-Icon"
          tabIndex={tabIndex}
          aria-label={trans.__('Actions for this run')}
          aria-haspopup="menu"
          onClick={event => {
            event.stopPropagation();
            model.setCurrent(run.run_id);
            openMenu(event.currentTarget);
          }}
        >
          <ellipsesIcon.react tag="span" />
        </button>
      </span>
    </>
  );
}

function UnderWay(props: { run: Run; tabIndex: number }): ReactElement {
  const { run, tabIndex } = props;
  const { actions, trans } = useRunsDesk();
  const { progress } = run;
  return (
    <>
      {progress?.cell && progress.cells && (
        <progress aria-hidden="true" max={progress.cells} value={progress.cell - 1} />
      )}
      <span className="jvs-Runs-line">{soFar(run, trans)}</span>
      {run.live !== false && (
        <button
          className="jvs-Small"
          tabIndex={tabIndex}
          onClick={event => {
            event.stopPropagation();
            actions.cancel(run);
          }}
        >
          {trans.__('Cancel')}
        </button>
      )}
    </>
  );
}

function FailedWords(props: { run: Run; tabIndex: number }): ReactElement {
  const { run, tabIndex } = props;
  const { actions, trans } = useRunsDesk();
  return (
    <>
      <span className="jvs-Runs-line" title={run.error?.slice(0, MOST_TOLD)}>
        {failure(run, trans)}
      </span>
      {hasFailedCell(run) && (
        <button
          className="jvs-Link"
          tabIndex={tabIndex}
          onClick={event => {
            event.stopPropagation();
            actions.openFailing(run);
          }}
        >
          {trans.__('open at the failing cell')}
        </button>
      )}
    </>
  );
}

function Cell(props: Props & { column: Column; isFirst: boolean }): ReactElement {
  const { column, run } = props;
  const [text, title] = contentOf(props);
  return (
    <span
      role="gridcell"
      className="jvs-Runs-cell"
      data-kind={column.kind}
      data-number={column.isNumeric}
      data-first={props.isFirst}
      title={title}
    >
      {column.kind === 'metric' && <Delta {...props} />}
      <span className="jvs-Runs-value">{text}</span>
      {column.kind === 'name' && run.note && <span className="jvs-Dim"> {run.note.split('\n')[0]}</span>}
    </span>
  );
}

/** How far a metric is from the baseline's. */
function Delta(props: Props & { column: Column }): ReactElement | null {
  const { column, model, run } = props;
  const { trans } = useRunsDesk();
  const { baseline } = model;
  if (baseline === null || !Object.hasOwn(run.metrics, column.name)) {
    return null;
  }
  if (baseline.run_id === run.run_id) {
    const isRanked = model.sort?.replace(/^-/, '') === column.sort;
    const rank = model.sort?.startsWith('-') ? trans.__('highest') : trans.__('lowest');
    const word = model.hasChosenBaseline ? trans.__('baseline') : isRanked ? rank : '';
    return word ? <span className="jvs-Runs-delta">{word}</span> : null;
  }
  const found = delta(under(run.metrics, column.name), under(baseline.metrics, column.name));
  return found === null ? null : (
    <span className="jvs-Runs-delta" aria-label={trans.__('%1 to the baseline', found)}>
      {found}
    </span>
  );
}

/** The text of a cell, and what it says in full. */
function contentOf(props: Props & { column: Column }): [string, string | undefined] {
  const { column, now, run } = props;
  const { trans } = useRunsDesk();
  switch (column.kind) {
    case 'when':
      return [second(run.started_at, now), ago(now - Date.parse(run.started_at), trans)];
    case 'name':
      return [run.name ?? '', [run.name, run.note].filter(Boolean).join('\n') || undefined];
    case 'work':
      return [run.work, run.command?.join(' ') ?? run.work];
    case 'time':
      return [run.duration_s === null ? '' : duration(run.duration_s, trans), undefined];
    default: {
      const values = column.kind === 'parameter' ? run.parameters : run.metrics;
      const value = under(values, column.name);
      return value === undefined ? ['', undefined] : [shown(value), String(JSON.stringify(value)).slice(0, MOST_TOLD)];
    }
  }
}
