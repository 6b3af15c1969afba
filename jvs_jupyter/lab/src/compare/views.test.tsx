import { RenderMimeRegistry, standardRendererFactories } from '@jupyterlab/rendermime';
import { nullTranslator } from '@jupyterlab/translation';
import { fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';

import { cell, difference, differences, hunk, table } from '../testing/differences';
import { snapshot } from '../testing/samples';
import { RowChange } from './difference';
import { Paths } from './paths';
import { Times } from './times';
import { Tools } from './tools';
import { Cell } from './views/cell';
import { ImagePair } from './views/image_pair';
import { Drawn } from './views/outputs';
import { TableView } from './views/table';

const trans = nullTranslator.load('jvs');
const tools: Tools = {
  rendermime: new RenderMimeRegistry({ initialFactories: standardRendererFactories }),
  languages: null,
  trans
};

test('an edited cell shows old beside new, and offers the old one', async () => {
  const take = vi.fn();
  render(<Cell change={cell()} language="python" old={null} new={null} tools={tools} onTake={take} />);
  expect([document.querySelector('del')?.textContent, document.querySelector('ins')?.textContent]).toEqual([
    'a = 1',
    'a = 2'
  ]);
  expect(screen.getByText('edited')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Take old cell: Cell 1' }));
  expect(take).toHaveBeenCalledOnce();
});

test('outputs that cannot be fetched are listed by kind and size', () => {
  const mimes = [{ mime: 'image/png', change: 'changed' as const, old_size: 2000, new_size: 3000, hunks: null, image: null }];
  const outputs = [{ change: 'changed' as const, type: 'display_data', old_index: 0, new_index: 0, mimes }];
  const change = cell({ hunks: [], old_source: 'x', new_source: 'x', outputs });
  render(<Cell change={change} language="python" old={null} new={null} tools={tools} onTake={null} />);
  expect(within(screen.getByRole('group', { name: 'older output' })).getByText(/image\/png 2.0 kB/)).toBeTruthy();
});

test('an output is drawn as one that nobody trusts', async () => {
  const data = { 'application/javascript': 'window.ran = 1', 'text/plain': 'plain words' };
  const output = { output_type: 'display_data', data, metadata: { trusted: true } };
  render(<Drawn output={output} tools={tools} />);
  await waitFor(() => expect(screen.getByText('plain words')).toBeTruthy());
  expect((window as any).ran).toBeUndefined();
});

test('an output that is none is said to be none, and a very long one waits', async () => {
  render(<Drawn output={{ output_type: 'display_data', data: 7 }} tools={tools} />);
  expect(screen.getByText(/Nothing here can be shown/)).toBeTruthy();
  render(<Drawn output={{ output_type: 'stream', name: 'stdout', text: 'x'.repeat(300_000) }} tools={tools} />);
  await userEvent.click(screen.getByRole('button', { name: 'Show it' }));
  await waitFor(() => expect(screen.getByText(/^x{1000}/)).toBeTruthy());
});

test('in a table only rows in sight exist, and changed cells have both values', () => {
  const rows = Array.from({ length: 1000 }, (_, at): RowChange => ({
    change: 'changed',
    old_row: at,
    new_row: at,
    old: [String(at), '6.0'],
    new: [String(at), null],
    differing: [1]
  }));
  render(<TableView detail={table(rows, { rows_changed: 2500, exact: false })} tools={tools} />);
  expect(screen.getByText(/about 2500 rows changed · the first 1,000 are shown/)).toBeTruthy();
  const grid = screen.getByRole('table', { name: 'Rows that differ' });
  expect(grid.getAttribute('aria-rowcount')).toBe('1001');
  expect(within(grid).getAllByRole('row').length).toBeLessThan(60);
  expect(grid.querySelector('[data-differs] del')?.textContent).toBe('6.0');
  expect(grid.querySelector('[data-differs] ins')?.textContent).toBe('∅');
});

test('a wide table shows first the columns in which something differs', async () => {
  const columns = Array.from({ length: 60 }, (_, at) => ({
    name: `c${at}`,
    change: 'same' as const,
    old_type: null,
    new_type: null
  }));
  const values = columns.map(() => '1');
  const row: RowChange = { change: 'changed', old_row: 0, new_row: 0, old: values, new: values, differing: [7] };
  render(<TableView detail={table([row], { columns })} tools={tools} />);
  expect(screen.queryByRole('columnheader', { name: 'c1' })).toBeNull();
  expect(screen.getByRole('columnheader', { name: 'c7' })).toBeTruthy();
  await userEvent.click(screen.getByRole('checkbox'));
  expect(screen.getByRole('columnheader', { name: 'c1' })).toBeTruthy();
});

test('paths are grouped, caches last, and chosen by keyboard', async () => {
  const found = differences([
    difference({ path: '__pycache__/x.pyc', group: 'other', cache: true }),
    difference({ path: 'data/clean.csv', group: 'data', words: '−48 rows' }),
    difference({ path: 'train.ipynb' }),
    difference({ path: 'new.png', group: 'figures', change: 'added', old: null })
  ]);
  const choose = vi.fn();
  render(<Paths found={found} selected="train.ipynb" trans={trans} onSelect={choose} />);
  expect(screen.getAllByRole('option').map(option => option.textContent)).toEqual([
    '~train.ipynb2 cells',
    '~clean.csv data−48 rows',
    '+new.png2 cells',
    '~x.pyc __pycache__2 cells'
  ]);
  screen.getByRole('listbox').focus();
  Element.prototype.scrollIntoView = vi.fn();
  await userEvent.keyboard('{ArrowDown}{End}');
  expect(choose.mock.calls).toEqual([['data/clean.csv'], ['__pycache__/x.pyc']]);
});

test('a list of very many paths is bounded', () => {
  const many = Array.from({ length: 520 }, (_, at) => difference({ path: `data/${at}.csv`, group: 'data' }));
  render(<Paths found={differences(many)} selected={null} trans={trans} onSelect={vi.fn()} />);
  const shown = (): number => document.querySelectorAll('[role="option"]').length;
  expect(shown()).toBe(500);
  fireEvent.click(document.querySelector('button') as HTMLElement);
  expect(shown()).toBe(520);
}, 30_000);

test('the older time stays before the newer one', async () => {
  const stops = [1, 2, 3].map(hour => snapshot({ note: `at ${hour}`, created_at: `2026-03-04T0${hour}:00:00.000Z` }));
  const change = vi.fn();
  const times = { stops, hasOlder: false, isUnsaved: true, trans, onChange: change, onOlder: vi.fn() };
  render(<Times {...times} from={stops[1].snapshot_id} to={stops[2].snapshot_id} />);
  const newer = screen.getByRole('combobox', { name: 'Newer time' });
  expect(within(newer).getAllByRole('option').map(option => option.textContent)).toEqual([
    'now, unsaved edits included',
    expect.stringContaining('at 3')
  ]);
  await userEvent.selectOptions(newer, 'now');
  expect(change).toHaveBeenLastCalledWith(stops[1].snapshot_id, 'now');
  const older = screen.getByRole('combobox', { name: 'Older time' });
  await userEvent.selectOptions(older, stops[0].snapshot_id);
  expect(change).toHaveBeenLastCalledWith(stops[0].snapshot_id, stops[2].snapshot_id);
});

test('images say how many pixels differ, and can be swiped', async () => {
  const detail = { kind: 'image' as const, old: null, new: null, pixels: 'differ' as const, share: 0.0004, box: null };
  const facts = { format: 'png', width: 2, height: 2, mode: 'RGB' };
  render(<ImagePair old="data:," new="data:," detail={{ ...detail, old: facts, new: facts }} trans={trans} />);
  expect(screen.getByText('< 0.1 % of the pixels differ.')).toBeTruthy();
  await userEvent.click(screen.getByLabelText('Swipe'));
  expect(screen.getByRole('slider').getAttribute('aria-valuetext')).toBe('50 % older');
});

test('hunks of one side only have one column', () => {
  const change = cell({ change: 'added', old_index: null, old_source: null, hunks: [hunk('+a = 2')] });
  const { container } = render(<Cell change={change} language="python" old={null} new={null} tools={tools} onTake={null} />);
  expect(container.querySelectorAll('.jvs-Half')).toHaveLength(1);
});
