import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';

import { run } from '../testing/samples';
import { refusal } from '../testing/server';
import { runPage, showRuns } from '../testing/runs';
import { ALL, plotOf, plottable } from './spec';
import { nullTranslator } from '@jupyterlab/translation';

const grid = (): HTMLElement => screen.getByRole('grid', { name: 'Runs' });
const rows = (): HTMLElement[] => within(grid()).getAllByRole('row').slice(1);
const five = () =>
  [0.768, 0.747, 0.7, 0.6, 0.5].map((accuracy, at) => run({ parameters: { alpha: 10 ** -at, seed: at }, metrics: { accuracy } }));

describe('the table of runs', () => {
  it('has a row a run, and columns for what they have', async () => {
    await showRuns({ 'GET runs': runPage(five()) });
    expect(within(grid()).getAllByRole('columnheader').map(cell => cell.textContent)).toEqual([
      '', '', 'when▼', 'alpha', 'seed', 'accuracy', 'time', ''
    ]);
    expect(rows().length).toBe(5);
    expect(rows()[1].textContent).toContain('0.747');
    expect(grid().getAttribute('aria-rowcount')).toBe('6');
  });

  it('sorts on the server, and tells how far each is from the first', async () => {
    const { server } = await showRuns({ 'GET runs': runPage(five()) });
    await userEvent.click(screen.getByRole('button', { name: 'accuracy' }));
    expect(server.calls('GET runs').pop()).toMatchObject({ sort: '-metrics.accuracy', after: null });
    expect(rows()[0].textContent).toContain('highest');
    expect(rows()[1].textContent).toContain('−0.021');
    expect(screen.getByRole('columnheader', { name: /accuracy/ }).getAttribute('aria-sort')).toBe('descending');
  });

  it('measures against the run that a person chose, also when it is on no page', async () => {
    const [base, ...others] = five();
    const { model } = await showRuns({ 'GET runs': runPage(others) });
    act(() => model.setBaseline(base));
    expect(rows()[0].textContent).toContain('−0.021');
    expect(screen.getByText(/compared with/)).toBeTruthy();
  });

  it('filters on the server; what is no condition is said, and the rows stay', async () => {
    const answer = ({ where }: { where: string[] }) =>
      where.includes('alpha<') ? Promise.reject(refusal('E_USAGE', "not a condition: 'alpha<'", 'write NAME=VALUE')) : runPage(five());
    const { server } = await showRuns({ 'GET runs': answer });
    const field = screen.getByLabelText('Filter the runs');
    fireEvent.change(field, { target: { value: 'alpha<' } });
    fireEvent.keyDown(field, { key: 'Enter' });
    expect((await screen.findByRole('alert')).textContent).toContain("not a condition: 'alpha<' write NAME=VALUE");
    expect(field.getAttribute('aria-invalid')).toBe('true');
    expect(rows().length).toBe(5);
    fireEvent.change(field, { target: { value: 'alpha<1 outcome:ok' } });
    fireEvent.keyDown(field, { key: 'Enter' });
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
    expect(server.calls('GET runs').pop()).toMatchObject({ where: ['alpha<1', 'outcome=ok'], q: null });
  });

  it('is narrowed to one notebook or command', async () => {
    const works = [
      { work: 'train.ipynb', kind: 'notebook', runs: 5, last_started_at: '' },
      { work: 'python3 train.py {alpha}', kind: 'command', runs: 1, last_started_at: '' }
    ];
    const { server, model } = await showRuns({ 'GET runs': runPage(five()), 'GET runs/works': { items: works } });
    expect(within(grid()).getByRole('columnheader', { name: 'what' })).toBeTruthy();
    await userEvent.selectOptions(screen.getByLabelText('Notebook or command'), 'train.ipynb');
    expect(server.calls('GET runs').pop()).toMatchObject({ where: ['work=train.ipynb'] });
    expect(model.name).toBe('train.ipynb');
    expect(within(grid()).queryByRole('columnheader', { name: 'what' })).toBeNull();
  });

  it('holds only the rows in sight of ten thousand, and fetches them in pages', async () => {
    const all = Array.from({ length: 10_000 }, (_, at) => run({ metrics: { at } }));
    const { server, model } = await showRuns({
      'GET runs': ({ after, limit }: { after: string | null; limit: number }) => {
        const start = Number(after ?? 0);
        const end = start + limit;
        return runPage(all.slice(start, end), end < all.length ? String(end) : null, all.length);
      }
    });
    expect(screen.getByText('10000 runs')).toBeTruthy();
    expect(rows().length).toBeLessThan(60);
    expect(server.calls('GET runs').every(({ limit }) => limit <= 200)).toBe(true);
    await act(() => model.list.atLeast(10_000));
    expect(model.list.items.length).toBe(10_000);
    expect(rows().length).toBeLessThan(60);
    const asked = server.calls('GET runs').length;
    await act(() => model.refresh());
    expect(server.calls('GET runs').length).toBe(asked + 1);
    expect(model.list.items.length).toBe(10_000);
    await act(() => model.narrow({ sort: 'metrics.at' }));
    expect(model.list.items.length).toBe(100);
  });

  it('shows how far a run under way is, what went wrong with others, and what can be done about it', async () => {
    const progress = { cell: 4, cells: 12, metrics: { accuracy: 0.61 }, updated_at: '' };
    const live = run({ outcome: 'started', duration_s: null, after_snapshot_id: null, live: true, progress });
    const failed = run({ outcome: 'cell_error', error: 'ValueError: oops', failed_cell: { index: 2, id: null } });
    const { actions } = await showRuns({ 'GET runs': runPage([live, failed, ...five()]) });
    expect(rows()[0].textContent).toContain('cell 4 of 12 · accuracy so far 0.61');
    await userEvent.click(within(rows()[0]).getByRole('button', { name: 'Cancel' }));
    expect(actions.cancel).toHaveBeenCalledWith(live);
    expect(rows()[1].textContent).toContain('cell 3: ValueError: oops');
    await userEvent.click(within(rows()[1]).getByRole('button', { name: 'open at the failing cell' }));
    expect(actions.openFailing).toHaveBeenCalledWith(failed);
  });

  it('is worked by keyboard: move, select, open, menu', async () => {
    const { model, actions } = await showRuns({ 'GET runs': runPage(five()) });
    const key = (name: string, more = {}): void => void fireEvent.keyDown(grid(), { key: name, ...more });
    key('ArrowDown');
    key(' ');
    key('ArrowDown');
    key(' ');
    expect(rows().map(row => row.getAttribute('aria-selected'))).toEqual(['true', 'true', 'false', 'false', 'false']);
    expect(screen.getByText('5 runs · 2 selected')).toBeTruthy();
    expect(grid().getAttribute('aria-activedescendant')).toBe(rows()[1].id);
    key('Enter');
    expect(actions.open).toHaveBeenCalledWith(model.currentRun);
    const menus: string[] = [];
    document.addEventListener('contextmenu', event => menus.push((event.target as HTMLElement).id), { once: true });
    key('F10', { shiftKey: true });
    expect(menus).toEqual([rows()[1].id]);
  });

  it('lets columns be hidden, and keeps that', async () => {
    const { model } = await showRuns({ 'GET runs': runPage(five()) });
    const columns = screen.getByText('columns').parentElement as HTMLDetailsElement;
    columns.open = true;
    fireEvent(columns, new Event('toggle'));
    await userEvent.click(screen.getByRole('checkbox', { name: 'seed parameter' }));
    expect(within(grid()).queryByRole('columnheader', { name: 'seed' })).toBeNull();
    expect(model.request.columns).toEqual({ 'parameters.seed': false });
  });

  it('takes names that objects have anyway for names', async () => {
    const named = run({ parameters: { constructor: 1 }, metrics: { toString: 2 } });
    await showRuns({ 'GET runs': runPage([named, run()]) }, { sort: '-metrics.toString' });
    expect(rows()[0].textContent).toContain('2');
    expect(rows()[1].textContent).not.toContain('function');
  });

  it('says that there is nothing, and why the server refuses', async () => {
    await showRuns({ 'GET runs': runPage([]) });
    expect(screen.getByText('No run yet.')).toBeTruthy();
    expect(screen.getByText(/jvs run exec -- COMMAND/)).toBeTruthy();
  });

  it('says what is wrong where it cannot be fetched, and can be tried again', async () => {
    const { server } = await showRuns({ 'GET runs': () => Promise.reject(refusal('E_IO', 'the disk is gone', 'plug it in')) });
    expect(screen.getByRole('alert').textContent).toContain('plug it in');
    server.answers['GET runs'] = runPage(five());
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(rows().length).toBe(5);
  });
});

describe('runs beside each other', () => {
  it('are compared by what differs; the server adds circumstances, packages and files', async () => {
    const [one, other] = five();
    const { model, actions, server } = await showRuns({
      'GET runs': runPage(five()),
      'GET runs/compare': {
        circumstances: { git_commit: ['aaa', 'bbb'] },
        packages: { numpy: ['1.26', '2.0'] },
        added: [],
        modified: ['model.pkl'],
        removed: []
      }
    });
    await act(async () => model.compare([one, other]));
    expect(server.calls('GET runs/compare')[0]).toMatchObject({ a: one.run_id, b: other.run_id });
    const table = screen.getByRole('region', { name: 'Runs compared' });
    expect(within(table).getByRole('row', { name: /alpha/ }).textContent).toContain('0.1');
    expect(within(table).getByRole('row', { name: /accuracy/ }).textContent).toContain('−0.021');
    expect(within(table).getByRole('row', { name: /numpy/ }).textContent).toContain('2.0');
    expect(screen.getByText('1 file differs')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Compare their files' }));
    expect(actions.compareFiles).toHaveBeenCalledWith(one.after_snapshot_id, other.after_snapshot_id);
  });
});

describe('the plot', () => {
  it('draws a point a run; a click on one selects its row', async () => {
    const runs = five();
    const { model, vega } = await showRuns({ 'GET runs': runPage(runs) }, { below: 'plot' });
    await waitFor(() => expect(vega.specs.length).toBe(1));
    expect(vega.specs[0].data.values.length).toBe(5);
    act(() => vega.click(runs[3].run_id));
    await waitFor(() => expect(model.currentRun).toBe(runs[3]));
    expect(rows()[3].getAttribute('data-current')).toBe('true');
    await waitFor(() => expect(vega.signals.pop()).toEqual([runs[3].run_id]));
    act(() => vega.click(null));
    await userEvent.selectOptions(screen.getByLabelText('What the metric is plotted over'), 'seed');
    await waitFor(() => expect(vega.specs.length).toBe(2));
    expect(vega.specs[1].encoding.x.title).toBe('seed');
  });

  it('has an axis a parameter where there are three, and names never become expressions', () => {
    const name = "'] + alert(1) + datum['";
    const runs = [1, 2, 3].map(at => run({ parameters: { a: at, [name]: at * 2, kind: `k${at}` }, metrics: { [name]: at } }));
    const found = plottable(runs, { metric: null, over: null });
    expect(found.axes).toEqual({ metric: name, over: ALL });
    const colours = { page: '', text: '', line: '', point: '', chosen: '', font: '' };
    const trans = nullTranslator.load('jvs');
    const { spec, points } = plotOf(runs, found, colours, trans)!;
    expect(points).toBe(3);
    const fields = JSON.stringify(spec, (key, value) => (['values', 'title'].includes(key) ? undefined : value));
    expect(fields).not.toContain('alert');
    const scatter = plotOf(runs, { ...found, axes: { metric: name, over: 'kind' } }, colours, trans)!.spec as any;
    expect(scatter.encoding.x.type).toBe('nominal');
    expect(plotOf([run()], plottable([run()], { metric: null, over: null }), colours, trans)).toBeNull();
  });
});
