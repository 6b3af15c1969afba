import { describe, expect, it } from 'vitest';

import { differs } from './edits';

const cell = (source: unknown, values: object = {}) => ({ cell_type: 'code', source, metadata: {}, outputs: [], ...values });

function notebook(cells: object[], metadata: object = {}) {
  const content = { cells, metadata };
  return { model: { toJSON: () => content } as any, saved: { type: 'notebook', content } as any };
}

describe('edits of an open document', () => {
  it('are those of cells, not what Lab writes into the notebook', () => {
    const shown = notebook([cell('x = 1', { id: 'a' })], { language_info: { name: 'python' } });
    expect(differs(shown.model, notebook([cell(['x = ', '1'])]).saved)).toBe(false);
    expect(differs(shown.model, notebook([cell('x = 2')]).saved)).toBe(true);
    expect(differs(shown.model, notebook([]).saved)).toBe(true);
  });

  it('include outputs, in whatever pieces their text is kept', () => {
    const output = (text: unknown) => cell('1', { outputs: [{ output_type: 'stream', text }] });
    const shown = notebook([output('a\nb')]);
    expect(differs(shown.model, notebook([output(['a\n', 'b'])]).saved)).toBe(false);
    expect(differs(shown.model, notebook([output('other')]).saved)).toBe(true);
  });

  it('are found in text', () => {
    const model = { toString: () => 'a,b\n' } as any;
    expect(differs(model, { type: 'file', content: 'a,b\n' } as any)).toBe(false);
    expect(differs(model, { type: 'file', content: 'a,c\n' } as any)).toBe(true);
  });
});
