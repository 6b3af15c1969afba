import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { run } from '../testing/samples';
import { columnsOf, visible } from './columns';
import { rowsOf } from './groups';
import { nextSort } from './header';
import { failure, nameOf, soFar } from './outcome';
import { tableCell } from './python';
import { delta, number, shown } from './values';
import { chosen } from './where';

const trans = nullTranslator.load('jvs');

describe('the filter', () => {
  it('has conditions and words', () => {
    expect(chosen('alpha<0.1 accuracy>0.75 outcome:ok')).toEqual({
      where: ['alpha<0.1', 'accuracy>0.75', 'outcome=ok'],
      q: null
    });
    expect(chosen('first  try alpha = 1')).toEqual({ where: ['alpha=1'], q: 'first try' });
    expect(chosen('note~"for the paper" metrics.loss<=2 "two words"')).toEqual({
      where: ['note~"for the paper"', 'metrics.loss<=2'],
      q: 'two words'
    });
    expect(chosen('  ')).toEqual({ where: [], q: null });
  });

  it('leaves to the server what is no condition yet', () => {
    expect(chosen('alpha<').where).toEqual(['alpha<']);
    expect(chosen('<3').q).toBe('<3');
    expect(chosen('note~"open').where.length + (chosen('note~"open').q ? 1 : 0)).toBeGreaterThan(0);
  });
});

describe('values', () => {
  it('are shown with few figures, and those that JSON has no word for too', () => {
    expect(shown(0.30000000000000004)).toBe('0.3');
    expect(shown({ $jvs: 'float', value: 'nan' })).toBe('NaN');
    expect(shown([1, 2])).toBe('[1,2]');
    expect(shown('x'.repeat(500)).length).toBeLessThan(210);
    expect(number({ $jvs: 'float', value: 'inf' })).toBeNull();
    expect(number(true)).toBeNull();
  });

  it('are told by how far they are from others', () => {
    expect(delta(0.747, 0.768)).toBe('−0.021');
    expect(delta(0.1 + 0.2, 0.3)).toBe('±0');
    expect(delta(3, 1)).toBe('+2');
    expect(delta(0.99994972, 1)).toBe('−0.00005');
    expect(delta(123456, 1)).toBe('+123455');
    expect(delta(0, 0)).toBe('±0');
    expect(delta(1e-9, 3e-9)).toBe('−2e-9');
    expect(delta('a', 1)).toBeNull();
  });
});

describe('a run', () => {
  it('is called by its name, its notebook, or the words of its script', () => {
    expect(nameOf(run({ name: 'best' }))).toBe('best');
    expect(nameOf(run({ notebook: 'sub/eda.ipynb' }))).toBe('eda.ipynb');
    expect(nameOf(run({ notebook: null, command: ['/usr/bin/python3.11', 'train.py', '1'] }))).toBe('train.py 1');
    expect(nameOf(run({ notebook: null, command: ['python3'] }))).toBe('python3');
  });

  it('says what failed once, with the cell', () => {
    const failed_cell = { index: 2, id: null };
    expect(failure(run({ outcome: 'cell_error', error: 'cell 3: ValueError: no', failed_cell }), trans)).toBe('cell 3: ValueError: no');
    expect(failure(run({ outcome: 'cell_error', error: 'ValueError: no\nmore', failed_cell }), trans)).toBe('cell 3: ValueError: no');
    expect(failure(run({ outcome: 'failed', error: null, exit_status: 2 }), trans)).toBe('failed, exit status 2');
  });

  it('says how far it is, also between cells', () => {
    const progress = { cell: 4, cells: 12, metrics: { accuracy: 0.61 }, updated_at: '' };
    expect(soFar(run({ outcome: 'started', progress, live: true }), trans)).toBe('cell 4 of 12 · accuracy so far 0.61');
    expect(soFar(run({ outcome: 'started', progress: { ...progress, cell: null }, live: true }), trans)).toBe('accuracy so far 0.61');
    expect(soFar(run({ outcome: 'started', live: true }), trans)).toBe('running');
    expect(soFar(run({ outcome: 'started', live: false }), trans)).toBe('its process is gone');
  });
});

describe('columns', () => {
  it('are those that a run has, and of very many the first ones unless asked for', () => {
    const metrics = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`m${at}`, at]));
    const columns = columnsOf([run({ parameters: { alpha: 1 } }), run({ metrics })], false);
    expect(columns.map(column => column.key).slice(0, 3)).toEqual(['when', 'parameters.alpha', 'metrics.m0']);
    expect(visible(columns, {}).length).toBe(14);
    const shownKeys = visible(columns, { 'metrics.m39': true, 'metrics.m0': false }).map(column => column.key);
    expect(shownKeys).toContain('metrics.m39');
    expect(shownKeys).not.toContain('metrics.m0');
  });

  it('sort by a click: metrics the largest first, parameters the smallest, then the other way, then not', () => {
    const columns = columnsOf([run({ parameters: { a: 1 }, metrics: { a: 2 } })], false);
    const [when, parameter, metric] = columns;
    expect(nextSort(null, metric)).toBe('-metrics.a');
    expect(nextSort('-metrics.a', metric)).toBe('metrics.a');
    expect(nextSort('metrics.a', metric)).toBeNull();
    expect(nextSort('metrics.a', parameter)).toBe('parameters.a');
    expect(nextSort(null, when)).toBe('started_at');
  });
});

describe('sweeps', () => {
  it('have a heading with what was run, and how often', () => {
    const sweep = (at: string) => run({ sweep: 's', work: 'train.py {alpha}', started_at: at });
    const runs = [run(), sweep('2026-03-04T09:07:00Z'), sweep('2026-03-04T09:06:00Z'), run()];
    const rows = rowsOf(runs, true, false, trans);
    expect(rows.map(row => row.kind)).toEqual(['run', 'sweep', 'run', 'run', 'sweep', 'run']);
    expect(rows[1]).toMatchObject({ text: expect.stringMatching(/^Sweep of train.py \{alpha\} · 2 runs · Mar/) });
    expect(rowsOf(runs, false, false, trans).length).toBe(4);
    expect(rowsOf(runs.slice(0, 3), true, true, trans)[1]).toMatchObject({ text: expect.stringContaining('or more') });
  });
});

describe('the cell', () => {
  it('loads what the table shows, whatever characters it has', () => {
    const cell = tableCell('.', { where: ['work=a "b".ipynb', 'alpha<0.1'], q: 'é\\' }, '-metrics.accuracy');
    expect(cell).toContain('where=["work=a \\"b\\".ipynb", "alpha<0.1"], text="é\\\\", sort="-metrics.accuracy"');
    expect(tableCell('/data/x', { where: [], q: null }, null)).toContain('Repository.open("/data/x").runs.table()');
  });
});
