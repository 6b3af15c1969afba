import { expect, test } from 'vitest';

import { hunk } from '../testing/differences';
import { cut, rowsOf } from './marks';

test('changed lines stand beside each other, and what changed in them is marked', () => {
  const rows = rowsOf([hunk(' import x', '-rate = 0.1', '+rate = 0.25', ' fit()')]);
  expect(rows.map(row => row.kind)).toEqual(['same', 'changed', 'same']);
  expect(rows[1].old?.text.slice(...rows[1].oldMarks[0])).toBe('1');
  expect(rows[1].new?.text.slice(...rows[1].newMarks[0])).toBe('25');
});

test('a line that became quite another one has no marks', () => {
  const [row] = rowsOf([hunk('-import numpy', '+zzz(qqq)')]);
  expect([row.oldMarks, row.newMarks]).toEqual([[], []]);
});

test('lines that came or went have nothing beside them', () => {
  const rows = rowsOf([hunk(' a', '+b', '+c', ' d'), hunk(20, ' x', '-y', ' z')]);
  expect(rows.map(row => [row.kind, row.old?.text ?? null, row.new?.text ?? null])).toEqual([
    ['same', 'a', 'a'],
    ['added', null, 'b'],
    ['added', null, 'c'],
    ['same', 'd', 'd'],
    ['gap', null, null],
    ['same', 'x', 'x'],
    ['removed', 'y', null],
    ['same', 'z', 'z']
  ]);
});

test('what lies between hunks is counted, before and after them too', () => {
  const rows = rowsOf([hunk(11, ' a', '-b', '+c'), hunk(31, ' d', '-e', '+f')], 100);
  expect(rows.filter(row => row.kind === 'gap').map(row => row.lines)).toEqual([10, 18, 68]);
});

test('a line is cut where colours and marks begin and end', () => {
  const pieces = [
    { text: 'rate', className: 'name' },
    { text: ' = 0.1', className: '' }
  ];
  expect(cut(pieces, [[2, 6]])).toEqual([
    { text: 'ra', className: 'name', marked: false },
    { text: 'te', className: 'name', marked: true },
    { text: ' =', className: '', marked: true },
    { text: ' 0.1', className: '', marked: false }
  ]);
});
