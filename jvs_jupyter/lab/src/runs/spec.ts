/** The plot as Vega-Lite: a metric over a parameter, or every parameter beside the metric. */

import { TranslationBundle } from '@jupyterlab/translation';

import { Run } from '../shapes';
import { nameOf } from './outcome';
import { number, plain, shown, under } from './values';

/** Stands for all parameters: a line a run, an axis a parameter. */
export const ALL = '*';
/** Stands for the time at which a run began. */
export const STARTED = '@started';
/** From how many parameters on there is a plot of all of them. */
export const PARALLEL_FROM = 3;
/** More axes beside each other cannot be told apart. */
const MOST_AXES = 12;

export interface Axes {
  metric: string | null;
  over: string | null;
}

/** What can be plotted, and what is. */
export interface Plottable {
  metrics: string[];
  /** Those with more than one value first. */
  parameters: string[];
  axes: Axes;
}

export interface Colours {
  page: string;
  text: string;
  line: string;
  point: string;
  chosen: string;
  font: string;
}

/** A plot: what Vega-Lite is given, and how many of the runs are in it. */
export interface Plot {
  spec: object;
  points: number;
}

/** Metrics and parameters that runs have; for what is not chosen, what shows most. */
export function plottable(runs: readonly Run[], wanted: Axes): Plottable {
  const metrics = names(runs, run => run.metrics).filter(name => runs.some(run => number(under(run.metrics, name)) !== null));
  const all = names(runs, run => run.parameters);
  const varies = all.filter(name => new Set(runs.map(run => shown(under(run.parameters, name) ?? ''))).size > 1);
  const parameters = [...varies, ...all.filter(name => !varies.includes(name))];
  const isThere = (over: string): boolean =>
    over === STARTED || (over === ALL ? varies.length >= PARALLEL_FROM : parameters.includes(over));
  const over = varies.length >= PARALLEL_FROM ? ALL : (parameters[0] ?? STARTED);
  return {
    metrics,
    parameters,
    axes: {
      metric: wanted.metric !== null && metrics.includes(wanted.metric) ? wanted.metric : (metrics[0] ?? null),
      over: wanted.over !== null && isThere(wanted.over) ? wanted.over : over
    }
  };
}

export function plotOf(runs: readonly Run[], found: Plottable, colours: Colours, trans: TranslationBundle): Plot | null {
  const { metric, over } = found.axes;
  if (metric === null || over === null) {
    return null;
  }
  const having = runs.filter(run => number(under(run.metrics, metric)) !== null);
  return over === ALL ? parallel(having, found.parameters, metric, colours, trans) : scatter(having, over, metric, colours, trans);
}

/** Whether a run is among the chosen ones, as Vega's expression: the ids are in a signal of the view. */
const IS_CHOSEN = 'indexof(chosen, datum.id) >= 0';

/** Names of metrics and parameters stand only in titles: whoever names one writes no expression. */
function scatter(runs: readonly Run[], over: string, metric: string, colours: Colours, trans: TranslationBundle): Plot {
  const isTime = over === STARTED;
  const having = runs.filter(run => isTime || Object.hasOwn(run.parameters, over));
  const xs = having.map(run => (isTime ? null : number(under(run.parameters, over))));
  const isNumeric = !isTime && xs.every(x => x !== null);
  const isWide = isNumeric && spreads(xs as number[]);
  const values = having.map((run, at) => {
    const x = isTime ? run.started_at : isNumeric ? xs[at] : shown(under(run.parameters, over));
    return { id: run.run_id, x, y: number(under(run.metrics, metric)), name: told(run, [metric, over], trans) };
  });
  const chosen = (yes: unknown, no: unknown): object => ({ condition: { test: IS_CHOSEN, value: yes }, value: no });
  const spec = {
    ...common(colours),
    data: { values },
    mark: { type: 'point', filled: true, cursor: 'pointer', tooltip: null },
    encoding: {
      x: {
        field: 'x',
        type: isTime ? 'temporal' : isNumeric ? 'quantitative' : 'nominal',
        title: isTime ? trans.__('started') : over,
        scale: isWide ? { type: 'log', padding: 16, nice: false } : isNumeric ? { zero: false, padding: 16 } : undefined,
        axis: isNumeric
          ? { format: '~g', tickCount: 6, ...(isWide ? { values: powers(xs as number[]) } : {}) }
          : { labelAngle: 0, labelLimit: 120 }
      },
      y: { field: 'y', type: 'quantitative', title: metric, scale: { zero: false, padding: 12 }, axis: { tickCount: 5, format: '~g' } },
      color: chosen(colours.chosen, colours.point),
      size: chosen(160, 60),
      opacity: chosen(1, 0.75),
      description: { field: 'name', type: 'nominal' },
      tooltip: { field: 'name', type: 'nominal' }
    }
  };
  return { spec, points: values.length };
}

function parallel(
  runs: readonly Run[],
  parameters: readonly string[],
  metric: string,
  colours: Colours,
  trans: TranslationBundle
): Plot {
  const names = parameters.slice(0, MOST_AXES - 1);
  const having = runs.filter(run => names.every(name => Object.hasOwn(run.parameters, name)));
  const scales = [
    ...names.map(name => scaleOf(having.map(run => under(run.parameters, name)))),
    scaleOf(having.map(run => under(run.metrics, metric)))
  ];
  const axes = [...names, metric];
  const order = axes.map((_, at) => at);
  const values = having.flatMap(run => {
    const name = told(run, [metric, ...names], trans);
    const all = [...names.map(key => under(run.parameters, key)), under(run.metrics, metric)];
    return all.map((value, at) => ({
      id: run.run_id,
      axis: at,
      y: scales[at].at(value),
      colour: number(under(run.metrics, metric)),
      name
    }));
  });
  const ticks = scales.flatMap((scale, axis) => scale.ticks.map(({ at, label }) => ({ axis, y: at, label })));
  const x = { field: 'axis', type: 'ordinal', scale: { domain: order, type: 'point', padding: 0.35 } };
  const y = { field: 'y', type: 'quantitative', axis: null, scale: { domain: [0, 1] } };
  const spec = {
    ...common(colours),
    layer: [
      { data: { values: order.map(axis => ({ axis })) }, mark: { type: 'rule', color: colours.line }, encoding: { x: { ...x, axis: null } } },
      {
        data: { values },
        mark: { type: 'line', cursor: 'pointer', tooltip: null },
        encoding: {
          x: { ...x, axis: null },
          y,
          detail: { field: 'id' },
          color: {
            condition: { test: IS_CHOSEN, value: colours.chosen },
            field: 'colour',
            type: 'quantitative',
            title: metric,
            scale: { scheme: 'viridis' },
            legend: { orient: 'right', gradientLength: 120, format: '~g' }
          },
          strokeWidth: { condition: { test: IS_CHOSEN, value: 4 }, value: 2 },
          opacity: { condition: { test: IS_CHOSEN, value: 1 }, value: 0.7 },
          description: { field: 'name', type: 'nominal' },
          tooltip: { field: 'name', type: 'nominal' }
        }
      },
      ...[{ stroke: colours.page, strokeWidth: 4, strokeJoin: 'round' }, {}].map(around => ({
        data: { values: ticks },
        mark: { type: 'text', align: 'left', dx: 6, fontSize: 11, color: colours.text, ...around },
        encoding: { x: { ...x, axis: null }, y, text: { field: 'label' } }
      })),
      {
        data: { values: axes.map((label, axis) => ({ axis, label })) },
        mark: { type: 'text', y: -12, fontWeight: 600, limit: 130, color: colours.text },
        encoding: { x: { ...x, axis: null }, text: { field: 'label' } }
      }
    ],
    padding: { top: 26, left: 8, right: 8, bottom: 8 }
  };
  return { spec, points: having.length };
}

function common(colours: Colours): object {
  const words = { labelColor: colours.text, titleColor: colours.text, labelFont: colours.font, titleFont: colours.font };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    width: 'container',
    height: 'container',
    autosize: { type: 'fit', contains: 'padding' },
    background: 'transparent',
    params: [{ name: 'chosen', value: [] }],
    config: {
      font: colours.font,
      view: { stroke: null },
      axis: { ...words, gridColor: colours.line, domainColor: colours.line, tickColor: colours.line, titleFontWeight: 'normal' },
      legend: words
    }
  };
}

interface Scale {
  /** Where a value is, from 0 to 1. */
  at: (value: unknown) => number | null;
  ticks: { at: number; label: string }[];
}

function scaleOf(values: readonly unknown[]): Scale {
  const numbers = values.map(number);
  if (numbers.every(value => value !== null) && numbers.length > 0) {
    const all = numbers as number[];
    const isWide = spreads(all);
    const bent = (value: number): number => (isWide ? Math.log(value) : value);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const span = bent(high) - bent(low);
    const at = (value: number): number => (span === 0 ? 0.5 : (bent(value) - bent(low)) / span);
    const ends = span === 0 ? [low] : [low, high];
    return {
      at: value => at(number(value) as number),
      ticks: ends.map(value => ({ at: at(value), label: shown(value) }))
    };
  }
  const names = [...new Set(values.map(shown))].sort();
  const at = (name: string): number => (names.length === 1 ? 0.5 : names.indexOf(name) / (names.length - 1));
  const labelled = names.length <= 12 ? names : [names[0], names[names.length - 1]];
  return { at: value => at(shown(value)), ticks: labelled.map(label => ({ at: at(label), label: label.slice(0, 24) })) };
}

/** Numbers above nothing, of which the largest is a hundred times the smallest or more. */
function spreads(values: readonly number[]): boolean {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low > 0 && high / low >= 100;
}

/** The powers of ten among numbers that spread. */
function powers(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.ceil(Math.log10(Math.max(...values)));
  const step = Math.ceil((last - first + 1) / 10);
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, at) => Number(`1e${first + at * step}`));
}

function told(run: Run, about: readonly string[], trans: TranslationBundle): string {
  const values = about
    .filter(name => name !== STARTED)
    .map(name => trans.__('%1 %2', name, shown(run.metrics[name] ?? under(run.parameters, name))));
  return [nameOf(run), ...values].join(' · ');
}

function names(runs: readonly Run[], of: (run: Run) => Record<string, unknown>): string[] {
  return [...new Set(runs.flatMap(run => Object.keys(of(run))))].filter(name => runs.some(run => plain(under(of(run), name) ?? null) !== null));
}
