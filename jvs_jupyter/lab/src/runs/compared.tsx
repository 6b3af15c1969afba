/** Runs beside each other, below the table. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement, useState } from 'react';

import { JvsError } from '../api';
import { second } from '../format';
import { Run } from '../shapes';
import { Line, RunComparison } from './comparison';
import { useRunsDesk } from './desk';
import { delta, shown } from './values';

export function ComparisonPane(props: { comparison: RunComparison }): ReactElement {
  const { comparison } = props;
  const { actions, trans } = useRunsDesk();
  const [everything, setEverything] = useState(false);
  const { further, runs, snapshots } = comparison;
  const lines = comparison.lines.filter(line => everything || line.differs);
  const same = comparison.lines.length - comparison.lines.filter(line => line.differs).length;
  return (
    <div className="jvs-RunsCompared">
      <div className="jvs-Plot-axes">
        {snapshots && (
          <button className="jvs-Small" onClick={() => void actions.compareFiles(...snapshots)}>
            {trans.__('Compare their files')}
          </button>
        )}
        <span className="jvs-Dim">{filesWords(comparison, trans)}</span>
        {same > 0 && (
          <label className="jvs-Runs-check">
            <input type="checkbox" checked={everything} onChange={event => setEverything(event.target.checked)} />
            {trans.__('also what is the same')}
          </label>
        )}
      </div>
      {further.state === 'failed' && (
        <p className="jvs-Runs-refused" role="alert">
          {further.error.message}
          {further.error instanceof JvsError && further.error.detail.hint && ` ${further.error.detail.hint}`}
        </p>
      )}
      <div className="jvs-RunsCompared-scroll" tabIndex={0} role="region" aria-label={trans.__('Runs compared')}>
        <table>
          <thead>
            <tr>
              <td />
              {runs.map((run, at) => (
                <th key={run.run_id} scope="col" title={run.run_id}>
                  {titleOf(run)}
                  {at === 0 && <small> {trans.__('baseline')}</small>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lines.map(line => (
              <LineRow key={`${line.kind} ${line.name}`} line={line} trans={trans} />
            ))}
          </tbody>
        </table>
        {lines.length === 0 && <p className="jvs-None">{trans.__('Parameters and metrics are the same.')}</p>}
      </div>
    </div>
  );
}

function LineRow(props: { line: Line; trans: TranslationBundle }): ReactElement {
  const { line, trans } = props;
  const kinds = {
    parameter: trans.__('parameter'),
    metric: trans.__('metric'),
    package: trans.__('package'),
    circumstance: ''
  };
  const [base] = line.values;
  return (
    <tr data-differs={line.differs}>
      <th scope="row">
        {nameOf(line, trans)} <small>{kinds[line.kind]}</small>
      </th>
      {line.values.map((value, at) => {
        const change = line.kind === 'metric' && at > 0 ? delta(value, base) : null;
        return (
          <td key={at}>
            {value === undefined || value === null ? '–' : shown(value)}
            {change !== null && <small> {change}</small>}
          </td>
        );
      })}
    </tr>
  );
}

function nameOf(line: Line, trans: TranslationBundle): string {
  const names: Record<string, string> = {
    environment_digest: trans.__('environment'),
    git_commit: trans.__('git commit'),
    notebook_sha256: trans.__('content of the notebook'),
    exit_status: trans.__('exit status')
  };
  return line.kind === 'circumstance' ? (names[line.name] ?? line.name) : line.name;
}

function filesWords(comparison: RunComparison, trans: TranslationBundle): string {
  const { further } = comparison;
  if (further.state !== 'ready') {
    return further.state === 'loading' ? trans.__('Looking at their files…') : '';
  }
  const { added = [], modified = [], removed = [] } = further.value;
  const count = added.length + modified.length + removed.length;
  return count === 0 ? trans.__('Their files are the same.') : trans._n('%1 file differs', '%1 files differ', count);
}

function titleOf(run: Run): string {
  return run.name ?? second(run.started_at);
}
