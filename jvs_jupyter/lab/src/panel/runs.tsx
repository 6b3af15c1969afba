/** The Runs tab: recorded runs, newest first. */

import { ellipsesIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement } from 'react';

import { baseName, figure, when } from '../format';
import { Run } from '../shapes';
import { openMenu, VirtualList } from '../virtual';
import { useDesk, useNow } from './desk';

const HEIGHT = 48;
const MARKS: Record<string, string> = { ok: '✔', started: '…' };

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
  return (
    <VirtualList
      role="grid"
      items={model.runs.items}
      rowHeight={HEIGHT}
      label={trans.__('Runs, newest first')}
      keyOf={run => run.run_id}
      attributesOf={run => ({
        'data-jvs-row': 'run',
        'aria-label': `${nameOf(run, trans)}, ${outcomeOf(run, trans)}, ${when(run.started_at, now, trans)}`
      })}
      render={run => <Row run={run} now={now} />}
      selected={model.chosen.runs}
      onSelect={run => model.choose('runs', run.run_id)}
      onOpen={run => {
        if (run.before_snapshot_id && run.after_snapshot_id) {
          void actions.viewing.compare(run.before_snapshot_id, run.after_snapshot_id);
        }
      }}
      onEnd={() => void model.runs.more()}
      empty={
        state.kind === 'loading'
          ? trans.__('Loading…')
          : trans.__('No run yet. Notebooks that papermill runs with --engine jvs, and jvs run exec, are recorded here.')
      }
    />
  );
}

function Row(props: { run: Run; now: number }): ReactElement {
  const { trans } = useDesk();
  const { run } = props;
  const values = { ...run.metrics, ...run.parameters };
  return (
    <div className="jvs-Run" role="gridcell" data-outcome={run.outcome}>
      <div className="jvs-Line">
        <span className="jvs-Mark" aria-hidden="true">
          {MARKS[run.outcome] ?? '✖'}
        </span>
        <span className="jvs-Title" title={run.output_path ?? run.input_path ?? run.run_id}>
          {nameOf(run, trans)}
        </span>
        <span className="jvs-Dim">{run.duration_s === null ? '' : duration(run.duration_s, trans)}</span>
        <button
          className="jvs-Icon jvs-More"
          tabIndex={-1}
          aria-label={trans.__('What can be done with this run')}
          aria-haspopup="menu"
          onClick={event => openMenu(event.currentTarget)}
        >
          <ellipsesIcon.react tag="span" />
        </button>
      </div>
      <div className="jvs-Line jvs-Second">
        <span className="jvs-Changed">
          {[
            when(run.started_at, props.now, trans),
            ...(run.outcome === 'ok' ? [] : [outcomeOf(run, trans)]),
            ...Object.entries(values).map(([name, value]) => `${name} ${figure(value)}`)
          ].join(' · ')}
        </span>
      </div>
    </div>
  );
}

function nameOf(run: Run, trans: TranslationBundle): string {
  return baseName(run.notebook ?? run.input_path ?? '') || trans.__('run %1', run.run_id.slice(-8));
}

function outcomeOf(run: Run, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    ok: trans.__('ok'),
    started: trans.__('running'),
    cell_error: trans.__('a cell failed'),
    kernel_died: trans.__('the kernel died'),
    early_exit: trans.__('ended early'),
    interrupted: trans.__('interrupted'),
    terminated: trans.__('terminated'),
    lost: trans.__('lost')
  };
  return words[run.outcome] ?? run.outcome;
}

function duration(seconds: number, trans: TranslationBundle): string {
  return seconds < 100 ? trans.__('%1 s', seconds.toFixed(1)) : trans.__('%1 min', Math.round(seconds / 60));
}
