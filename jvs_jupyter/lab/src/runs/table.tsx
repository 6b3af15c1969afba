/** The table: a row a run, of which only those in sight exist. */

import { TranslationBundle } from '@jupyterlab/translation';
import { CSSProperties, ReactElement, useEffect, useMemo, useRef } from 'react';

import { JvsError } from '../api';
import { when } from '../format';
import { useNow } from '../panel/desk';
import { VirtualList } from '../virtual';
import { Column, visible } from './columns';
import { useRunsDesk } from './desk';
import { rowsOf } from './groups';
import { Header } from './header';
import { RunsModel } from './model';
import { nameOf, outcomeOf } from './outcome';
import { RunCells } from './row';

const HEIGHT = 28;
const HEADING_HEIGHT = 30;
export const ROW = 'run-of-table';

export function RunsTable(props: { model: RunsModel }): ReactElement {
  const { model } = props;
  const { actions, trans } = useRunsDesk();
  const now = useNow();
  const { state } = model.list;
  const columns = visible(model.columns, model.choice);
  const runs = model.list.items;
  const hasMore = state.kind === 'ready' && state.next !== null;
  const rows = useMemo(() => rowsOf(runs, model.grouped, hasMore, trans), [runs, model.grouped, hasMore]);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const list = box.current?.querySelector('.jvs-List');
    if (list) {
      list.scrollTop = 0; // another table begins at its first row
    }
  }, [model.sort, model.filter, model.work, model.grouped]);
  if (state.kind === 'failed') {
    return <Failed error={state.error} trans={trans} onRetry={() => void model.list.refresh()} />;
  }
  const style = { '--jvs-columns': template(columns), '--jvs-width': `${widthOf(columns)}px` } as CSSProperties;
  return (
    <div ref={box} className="jvs-RunsTable" style={style}>
      <VirtualList
        role="grid"
        items={rows}
        rowHeight={row => (row.kind === 'run' ? HEIGHT : HEADING_HEIGHT)}
        label={trans.__('Runs')}
        prefix="jvs-run-"
        keyOf={row => row.key}
        total={model.total ?? undefined}
        head={<Header model={model} columns={columns} />}
        headHeight={HEIGHT}
        isChoice={row => row.kind === 'run'}
        attributesOf={row =>
          row.kind === 'run'
            ? {
                'data-jvs-row': ROW,
                'data-current': row.key === model.current,
                'data-inner': row.inner,
                'aria-selected': model.marked.has(row.key),
                'aria-label': `${nameOf(row.run)}, ${outcomeOf(row.run, trans)}, ${when(row.run.started_at, now, trans)}`
              }
            : {}
        }
        render={row =>
          row.kind === 'run' ? <RunCells model={model} run={row.run} columns={columns} now={now} /> : row.text
        }
        selected={model.current}
        revealed={model.revealed}
        onSelect={row => model.setCurrent(row.key)}
        onOpen={row => row.kind === 'run' && actions.open(row.run)}
        onMark={row => model.mark(row.key, !model.marked.has(row.key))}
        onEnd={() => void model.list.more()}
        empty={state.kind === 'loading' ? trans.__('Loading…') : <Nothing model={model} trans={trans} />}
      />
    </div>
  );
}

function Nothing(props: { model: RunsModel; trans: TranslationBundle }): ReactElement {
  const { model, trans } = props;
  return model.filter.trim() || model.work !== null ? (
    <p>{trans.__('No run matches.')}</p>
  ) : (
    <>
      <p>{trans.__('No run yet.')}</p>
      <p>
        {trans.__('Runs that you start with “jvs run exec -- COMMAND” or papermill\'s “--engine jvs” appear here.')}
      </p>
    </>
  );
}

export function Failed(props: { error: Error; trans: TranslationBundle; onRetry: () => void }): ReactElement {
  const hint = props.error instanceof JvsError ? props.error.detail.hint : null;
  return (
    <div className="jvs-Empty" role="alert">
      <p>{props.error.message}</p>
      {hint && <p>{hint}</p>}
      <button className="jp-mod-styled" onClick={props.onRetry}>
        {props.trans.__('Try again')}
      </button>
    </div>
  );
}

/** Box, outcome, the columns, what is left, actions. */
function template(columns: readonly Column[]): string {
  return ['26px', '24px', ...columns.map(({ width }) => `${width}px`), 'minmax(0, 1fr)', '30px'].join(' ');
}

function widthOf(columns: readonly Column[]): number {
  // room for the words of a run that failed or is under way
  const hasMetrics = columns.some(column => column.kind === 'metric');
  return columns.reduce((sum, { width }) => sum + width, 80) + (hasMetrics ? 0 : 260);
}
