/** What stands above the table: which runs, which columns, and what becomes of the table. */

import { KeyboardEvent, ReactElement, useEffect, useRef, useState } from 'react';

import { visible } from './columns';
import { useRunsDesk } from './desk';
import { RunsModel } from './model';

/** How long after the last key the filter is asked, in milliseconds. */
const TYPING = 350;

export function Head(props: { model: RunsModel }): ReactElement {
  const { model } = props;
  const { actions, trans } = useRunsDesk();
  return (
    <header className="jvs-Runs-head">
      <div className="jvs-Runs-bar">
        <WorkChoice model={model} />
        <Filter model={model} />
        <ColumnChoice model={model} />
        <label className="jvs-Runs-check">
          <input
            type="checkbox"
            checked={model.grouped}
            onChange={event => void model.narrow({ grouped: event.target.checked })}
          />
          {trans.__('group by sweep')}
        </label>
        <label className="jvs-Runs-check">
          <input
            type="checkbox"
            checked={model.below === 'plot'}
            onChange={event => model.setBelow(event.target.checked ? 'plot' : null)}
          />
          {trans.__('plot')}
        </label>
        <span className="jvs-Spring" />
        <button className="jvs-Small" title={trans.__('Download all rows that match')} onClick={() => actions.download()}>
          {trans.__('CSV')}
        </button>
        <button
          className="jvs-Small"
          title={trans.__('Add a cell that loads this table to the notebook that you used last')}
          onClick={() => actions.toCell()}
        >
          {trans.__('To a DataFrame cell')}
        </button>
      </div>
      {model.refused && (
        <p className="jvs-Runs-refused" role="alert" id="jvs-runs-refused">
          {model.refused.message}
          {model.refused.hint && <span> {model.refused.hint}</span>}
        </p>
      )}
      <Selected model={model} />
    </header>
  );
}

function WorkChoice(props: { model: RunsModel }): ReactElement {
  const { model } = props;
  const { trans } = useRunsDesk();
  const kinds = [
    ['notebook', trans.__('Notebooks')],
    ['command', trans.__('Commands')]
  ] as const;
  const isKnown = model.work === null || model.works.some(({ work }) => work === model.work);
  return (
    <select
      className="jvs-Runs-choice"
      aria-label={trans.__('Notebook or command')}
      value={model.work ?? ''}
      onChange={event => void model.narrow({ work: event.target.value || null })}
    >
      <option value="">{trans.__('all notebooks and commands')}</option>
      {!isKnown && <option value={model.work ?? ''}>{model.work}</option>}
      {kinds.map(([kind, label]) => {
        const works = model.works.filter(work => work.kind === kind);
        return (
          works.length > 0 && (
            <optgroup key={kind} label={label}>
              {works.map(({ work, runs }) => (
                <option key={work} value={work}>
                  {trans._n('%2 (%1 run)', '%2 (%1 runs)', runs, work)}
                </option>
              ))}
            </optgroup>
          )
        );
      })}
    </select>
  );
}

function Filter(props: { model: RunsModel }): ReactElement {
  const { model } = props;
  const { trans } = useRunsDesk();
  const [text, setText] = useState(model.filter);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => setText(model.filter), [model.filter]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const ask = (value: string): void => {
    window.clearTimeout(timer.current);
    void model.narrow({ filter: value });
  };
  return (
    <input
      className="jp-mod-styled"
      type="search"
      aria-label={trans.__('Filter the runs')}
      aria-invalid={model.refused !== null}
      aria-describedby={model.refused ? 'jvs-runs-refused' : undefined}
      placeholder={trans.__('filter: alpha<0.1 outcome:ok')}
      title={trans.__('For example alpha<0.1 accuracy>0.75 outcome:ok. Conditions with =, !=, <, <=, >, >= or ~ (contains), and words; all must hold')}
      value={text}
      onChange={({ target: { value } }) => {
        setText(value);
        window.clearTimeout(timer.current);
        timer.current = window.setTimeout(() => ask(value), TYPING);
      }}
      onKeyDown={event => event.key === 'Enter' && ask(text)}
    />
  );
}

function ColumnChoice(props: { model: RunsModel }): ReactElement {
  const { model } = props;
  const { trans } = useRunsDesk();
  const box = useRef<HTMLDetailsElement>(null);
  const [isOpen, setOpen] = useState(false);
  const shown = new Set(visible(model.columns, model.choice));
  const names: Record<string, string> = {
    when: trans.__('when'),
    name: trans.__('name'),
    work: trans.__('what'),
    time: trans.__('time')
  };
  const kinds: Record<string, string> = { parameter: trans.__('parameter'), metric: trans.__('metric') };
  const close = (): void => {
    if (box.current) {
      box.current.open = false;
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && box.current?.open) {
      close();
      box.current.querySelector('summary')?.focus();
      event.stopPropagation();
    }
  };
  return (
    <details
      ref={box}
      className="jvs-Runs-columns"
      onKeyDown={onKeyDown}
      onToggle={event => setOpen(event.currentTarget.open)}
      onBlur={event => event.currentTarget.contains(event.relatedTarget) || event.relatedTarget === null || close()}
    >
      <summary>{trans.__('columns')}</summary>
      <fieldset>
        <legend>{trans.__('Columns of the table')}</legend>
        {isOpen && model.columns.map(column => (
          <label key={column.key}>
            <input
              type="checkbox"
              checked={shown.has(column)}
              onChange={event => model.show(column, event.target.checked)}
            />
            <span>{names[column.kind] ?? column.name}</span>
            <small>{kinds[column.kind]}</small>
          </label>
        ))}
      </fieldset>
    </details>
  );
}

/** How many there are, how many are selected, and what can be done with those. */
function Selected(props: { model: RunsModel }): ReactElement {
  const { model } = props;
  const { actions, trans } = useRunsDesk();
  const count = model.markedRuns.length;
  const { total } = model;
  return (
    <div className="jvs-Runs-selected">
      <span className="jvs-Dim" role="status">
        {total === null ? '' : trans._n('%1 run', '%1 runs', total)}
        {count > 0 && ` · ${trans.__('%1 selected', count)}`}
      </span>
      {count > 0 && (
        <>
          <button className="jvs-Small" disabled={count < 2 && model.baseline === null} onClick={() => actions.compare(null)}>
            {trans.__('Compare')}
          </button>
          <button className="jvs-Link" onClick={() => model.markAll(false)}>
            {trans.__('Clear')}
          </button>
        </>
      )}
      {model.hasChosenBaseline && model.baseline && (
        <span className="jvs-Dim">
          {trans.__('compared with %1', model.baseline.name ?? model.baseline.run_id.slice(-8))}{' '}
          <button className="jvs-Link" onClick={() => model.setBaseline(null)}>
            {trans.__('Stop comparing')}
          </button>
        </span>
      )}
      {model.unreadable.length > 0 && (
        <span className="jvs-Runs-refused" title={model.unreadable.join('\n')}>
          {trans._n('%1 record cannot be read', '%1 records cannot be read', model.unreadable.length)}
        </span>
      )}
    </div>
  );
}
