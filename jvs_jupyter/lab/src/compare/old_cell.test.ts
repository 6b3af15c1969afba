import { expect, test } from 'vitest';

import { cell } from '../testing/differences';
import { oldCell } from './old_cell';

test('an old cell brings its source, settings and outputs, and no trust', () => {
  const old = {
    cell_type: 'code',
    source: ['a = ', '1'],
    metadata: { tags: ['keep'], trusted: true },
    execution_count: 3,
    outputs: [
      { output_type: 'stream', name: 'stdout', text: ['one\n', 'two\n'] },
      { output_type: 'display_data', data: { 'text/html': ['<b>', '</b>'], 'application/json': [1] }, metadata: {} }
    ]
  };
  expect(oldCell(cell({ old_source: null }), old, true)).toEqual({
    cell_type: 'code',
    source: 'a = 1',
    metadata: { tags: ['keep'] },
    execution_count: 3,
    outputs: [
      { output_type: 'stream', name: 'stdout', text: 'one\ntwo\n' },
      { output_type: 'display_data', data: { 'text/html': '<b></b>', 'application/json': [1] }, metadata: {} }
    ]
  });
});

test('what is no output, whatever its file says, is left out', () => {
  const outputs = [null, 7, { output_type: 'stream', text: {} }, { output_type: 'error' }, { output_type: 'odd' }];
  expect(oldCell(cell(), { outputs, metadata: 'no' }, true)).toMatchObject({ outputs: [], metadata: {} });
});

test('outputs of older formats are left out, and so is everything where the notebook is too large', () => {
  const old = { input: 'a = 1', outputs: [{ output_type: 'pyout', text: 'x' }] };
  expect(oldCell(cell(), old, false)).toMatchObject({ source: 'a = 1', outputs: [] });
  expect(oldCell(cell(), null, true)).toMatchObject({ source: 'a = 1', metadata: {}, outputs: [] });
});

test('text keeps its attachments, and the type that it had', () => {
  const change = cell({ cell_type: 'code', old_cell_type: 'markdown', old_source: '# Title' });
  const attachments = { 'a.png': { 'image/png': 'AAAA' } };
  expect(oldCell(change, { attachments }, true)).toEqual({
    cell_type: 'markdown',
    source: '# Title',
    metadata: {},
    attachments
  });
  expect(oldCell(cell({ cell_type: 'heading' }), {}, false).cell_type).toBe('markdown');
});
