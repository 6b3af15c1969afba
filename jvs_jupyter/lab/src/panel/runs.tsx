/** The Runs tab: recorded runs, newest first, each one row; the table in the main area has more. */

import { ellipsesIcon } from '@jupyterlab/ui-components';
import { ReactElement } from 'react';

import { when } from '../format';
import { failure, hasFailed, isUnderWay, markOf, nameOf, outcomeOf, soFar } from '../runs/outcome';
import { duration, shown } from '../runs/values';
import { Run } from '../shapes';
import { openMenu, VirtualList } from '../virtual';
import { useDesk, useNow } from './desk';

const HEIGHT = 48;
/** How many parameters a row names. */
const MOST_PARAMETERS = 4;

export function RunsTab(): ReactElement {
  const { model, actions, trans } = useDesk();
  const now = useNow();
  const { state } = model.runs;
  if (state.kind === 'failed') {
    return (
      <p className="jvs-Empty" role="alert">
        {state.error.message}
      </p>
    );
  }
  const open = (run: Run | null): void => void actions.viewing.runs(run?.run_id ?? null);
  return (
    <>
      {model.runs.items.length > 0 && (
        <div className="jvs-Filter">
          <button className="jp-mod-styled" onClick={() => open(null)}>
            {trans.__('Open the table')}
          </button>
        </div>
      )}
      <VirtualList
        role="grid"
        items={model.runs.items}
        rowHeight={HEIGHT}
        label={trans.__('Runs, newest first')}
        keyOf={run => run.run_id}
        attributesOf={run => ({
          'data-jvs-row': 'run',
          'aria-label': `${nameOf(run)}, ${outcomeOf(run, trans)}, ${when(run.started_at, now, trans)}`
        })}
        render={run => <Row run={run} now={now} />}
        selected={model.chosen.runs}
        onSelect={run => model.choose('runs', run.run_id)}
        onOpen={open}
        onClick={open}
        onEnd={() => void model.runs.more()}
        empty={
          state.kind === 'loading'
            ? trans.__('Loading…')
            : trans.__('No run yet. Notebooks that papermill runs with --engine jvs, and jvs run exec, are recorded here.')
        }
      />
    </>
  );
}

function Row(props: { run: Run; now: number }): ReactElement {
  const { trans } = useDesk();
  const { run } = props;
  const [main] = Object.entries(run.metrics);
  return (
    <div className="jvs-Run" role="gridcell" data-outcome={isUnderWay(run) ? 'started' : run.outcome}>
      <div className="jvs-Line">
        <span className="jvs-Mark" aria-hidden="true">
          {markOf(run)}
        </span>
        <span className="jvs-Title" title={[run.work, run.note].filter(Boolean).join('\n')}>
          {nameOf(run)}
        </span>
        {main && (
          <span className="jvs-Run-metric">
            {main[0]} <b>{shown(main[1])}</b>
          </span>
        )}
        <button
          className="jvs-Icon jvs-More"
          tabIndex={-1}
          aria-label={trans.__('Actions for this run')}
          aria-haspopup="menu"
          onClick={event => {
            event.stopPropagation();
            openMenu(event.currentTarget);
          }}
        >
          <ellipsesIcon.react tag="span" />
        </button>
      </div>
      <div className="jvs-Line jvs-Second">
        <span className="jvs-Changed">{words(props, trans).join(' · ')}</span>
      </div>
    </div>
  );
}

function words(props: { run: Run; now: number }, trans: ReturnType<typeof useDesk>['trans']): string[] {
  const { run, now } = props;
  const parameters = Object.entries(run.parameters).slice(0, MOST_PARAMETERS);
  return [
    when(run.started_at, now, trans),
    ...(run.duration_s === null ? [] : [duration(run.duration_s, trans)]),
    ...(isUnderWay(run) ? [soFar(run, trans)] : hasFailed(run) ? [failure(run, trans)] : []),
    ...parameters.map(([name, value]) => `${name} ${shown(value)}`)
  ];
}
