/** The plot below the table: points and lines are rows. */

import { ReactElement, useEffect, useMemo, useRef, useState } from 'react';

import { Run } from '../shapes';
import { MOST_PLOTTED, RunsModel } from './model';
import { useRunsDesk } from './desk';
import { ALL, Axes, Colours, PARALLEL_FROM, plotOf, plottable, STARTED } from './spec';
import { View } from './vega';

export function PlotPane(props: { model: RunsModel }): ReactElement {
  const { model } = props;
  const { trans } = useRunsDesk();
  const runs = usePlotted(model.list.items);
  const found = useMemo(() => plottable(runs, model.axes), [runs, model.axes]);
  const { axes, metrics, parameters } = found;
  if (metrics.length === 0) {
    return <p className="jvs-None">{trans.__('None of these runs has a metric that is a number.')}</p>;
  }
  const set = (to: Partial<Axes>): void => model.setAxes({ ...axes, ...to });
  const over = [
    ...(parameters.length >= PARALLEL_FROM ? [[ALL, trans.__('all parameters')]] : []),
    ...parameters.map(name => [name, name]),
    [STARTED, trans.__('time')]
  ];
  return (
    <div className="jvs-Plot">
      <div className="jvs-Plot-axes">
        <Choice label={trans.__('Metric of the plot')} value={axes.metric} choices={metrics.map(name => [name, name])} onChange={metric => set({ metric })} />
        <span>{trans.__('over')}</span>
        <Choice label={trans.__('What the metric is plotted over')} value={axes.over} choices={over} onChange={value => set({ over: value })} />
        <span className="jvs-Dim">
          {model.total !== null && model.total > runs.length
            ? trans.__('the first %1 of %2 runs', runs.length, model.total)
            : axes.over === ALL
              ? trans.__('click a line to find its row')
              : trans.__('click a point to find its row')}
        </span>
      </div>
      <Drawing model={model} runs={runs} found={found} />
    </div>
  );
}

/** The runs to draw: the same list as long as nothing that is drawn is another. */
function usePlotted(all: readonly Run[]): readonly Run[] {
  const kept = useRef<readonly Run[]>([]);
  return useMemo(() => {
    const runs = all.slice(0, MOST_PLOTTED);
    const isSame = (run: Run, at: number): boolean => {
      const before = kept.current[at];
      return before?.run_id === run.run_id && before.outcome === run.outcome && before.name === run.name;
    };
    if (runs.length !== kept.current.length || !runs.every(isSame)) {
      kept.current = runs;
    }
    return kept.current;
  }, [all]);
}

function Drawing(props: {
  model: RunsModel;
  runs: readonly Run[];
  found: ReturnType<typeof plottable>;
}): ReactElement {
  const { model, runs, found } = props;
  const { trans, embed, theme } = useRunsDesk();
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<View | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const light = theme();
  const chosen = [...model.marked, ...(model.current === null ? [] : [model.current])];
  const told = chosen.join(' ');

  useEffect(() => {
    const node = box.current;
    const plot = node && plotOf(runs, found, coloursOf(node), trans);
    if (!node || !plot) {
      return;
    }
    let isOver = false;
    let finalize = (): void => undefined;
    const draw = async (): Promise<void> => {
      const load = await embed();
      if (isOver) {
        return;
      }
      // with an interpreter for its expressions, nothing is compiled
      const drawn = await load(node, plot.spec, { actions: false, renderer: 'svg', ast: true, mode: 'vega-lite' });
      finalize = () => drawn.finalize();
      if (isOver) {
        finalize();
        return;
      }
      view.current = drawn.view;
      drawn.view.addEventListener('click', (_, item) => {
        const id = item?.datum?.id;
        if (typeof id === 'string') {
          void model.reveal(id);
        }
      });
      await drawn.view.signal('chosen', chosen).runAsync();
      setFailure(null);
    };
    draw().catch((error: Error) => isOver || setFailure(error.message));
    return () => {
      isOver = true;
      view.current = null;
      finalize();
    };
  }, [runs, found, light]);

  useEffect(() => {
    void view.current?.signal('chosen', chosen).runAsync();
  }, [told]);

  return (
    <>
      {failure !== null && (
        <p className="jvs-None" role="alert" title={failure}>
          {trans.__('This application cannot draw the plot, because it does not share its plotting library. JupyterLab does.')}
        </p>
      )}
      <div ref={box} className="jvs-Plot-drawing" hidden={failure !== null} />
    </>
  );
}

function Choice(props: {
  label: string;
  value: string | null;
  choices: readonly (readonly string[])[];
  onChange: (value: string) => void;
}): ReactElement {
  return (
    <select
      className="jvs-Runs-choice"
      aria-label={props.label}
      value={props.value ?? ''}
      onChange={event => props.onChange(event.target.value)}
    >
      {props.choices.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

/** The theme's colours, as they are where the plot is drawn. */
function coloursOf(node: HTMLElement): Colours {
  const style = getComputedStyle(node);
  const of = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise;
  return {
    page: of('--jp-layout-color1', '#ffffff'),
    text: of('--jp-ui-font-color1', '#333333'),
    line: of('--jp-border-color2', '#dddddd'),
    point: of('--jp-brand-color1', '#1976d2'),
    chosen: of('--jp-warn-color1', '#f57c00'),
    font: of('--jp-ui-font-family', 'sans-serif')
  };
}
