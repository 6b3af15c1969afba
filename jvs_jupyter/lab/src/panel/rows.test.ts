import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { snapshot } from '../testing/samples';
import { Row, rowsOf } from './rows';

const trans = nullTranslator.load('jvs');
const NOW = Date.parse('2026-03-04T18:00:00');

function shown(rows: readonly Row[]): string[] {
  return rows.map(row =>
    row.kind === 'day'
      ? row.text
      : row.kind === 'automatic'
        ? `${row.items.length} automatic${row.open ? ' open' : ''}`
        : `${row.inner ? '  ' : ''}${row.item.note || row.item.kind}${row.others.length ? ` +${row.others.length}` : ''}`
  );
}

const at = (time: string): string => new Date(`2026-03-${time}`).toISOString();
const auto = (time: string) => snapshot({ kind: 'auto', created_at: at(time) });

describe('rows of the timeline', () => {
  it('stand below the day they were made', () => {
    const items = [
      snapshot({ note: 'new', created_at: at('04T10:00') }),
      snapshot({ note: 'before', created_at: at('03T23:00') }),
      snapshot({ note: 'old', created_at: at('01T08:00') })
    ];
    const [first, , second, , third] = shown(rowsOf(items, new Set(), NOW, trans));
    expect([first, second]).toEqual(['Today', 'Yesterday']);
    expect(third).toContain('March 1');
  });

  it('fold automatic snapshots between those that a person made', () => {
    const items = [
      snapshot({ note: 'mine', created_at: at('04T12:00') }),
      auto('04T11:50'),
      auto('04T11:40'),
      auto('04T11:30'),
      snapshot({ note: 'older', created_at: at('04T11:00') })
    ];
    expect(shown(rowsOf(items, new Set(), NOW, trans))).toEqual(['Today', 'mine', '3 automatic', 'older']);
  });

  it('unfold by the key that a person opened, also when newer ones came since', () => {
    const items = [auto('04T11:50'), auto('04T11:40')];
    const key = rowsOf(items, new Set(), NOW, trans)[1].key;
    const later = [auto('04T11:55'), ...items];
    expect(shown(rowsOf(later, new Set([key]), NOW, trans))).toEqual([
      'Today',
      '3 automatic open',
      '  auto',
      '  auto',
      '  auto'
    ]);
  });

  it('never fold where the person stands, nor what is named, tagged or pinned', () => {
    const marked = [
      { is_head: true, note: 'here' },
      { refs: ['v1'], note: 'named' },
      { tags: ['good'], note: 'tagged' },
      { pins: ['p'], note: 'pinned' }
    ];
    const items = marked.flatMap((mark, hour) => [
      { ...auto(`04T0${9 - hour}:30`) },
      { ...auto(`04T0${9 - hour}:20`), ...mark }
    ]);
    const lines = shown(rowsOf(items, new Set(), NOW, trans));
    expect(lines.filter(line => line.includes('automatic'))).toEqual([]);
    expect(lines).toEqual(expect.arrayContaining(['here', 'named', 'tagged', 'pinned']));
  });

  it('do not fold a single automatic one, nor over midnight, nor later ones with earlier ones', () => {
    const items = [
      { ...auto('04T12:00'), later: true },
      auto('04T11:00'),
      auto('03T23:00'),
      snapshot({ note: 'mine', created_at: at('03T22:00') })
    ];
    expect(shown(rowsOf(items, new Set(), NOW, trans))).toEqual(['Today', 'auto', 'auto', 'Yesterday', 'auto', 'mine']);
  });

  it('fold what one run made into its newest row', () => {
    const fold = { id: 'run-1', kind: 'run' as const };
    const items = [
      snapshot({ note: 'after', created_at: at('04T12:00'), fold }),
      snapshot({ note: 'before', created_at: at('04T11:59'), fold }),
      snapshot({ note: 'other', created_at: at('04T11:00'), fold: { id: 'run-0', kind: 'run' } })
    ];
    expect(shown(rowsOf(items, new Set(), NOW, trans))).toEqual(['Today', 'after +1', 'other']);
    const open = new Set([items[0].snapshot_id]);
    expect(shown(rowsOf(items, open, NOW, trans))).toEqual(['Today', 'after +1', '  before', 'other']);
  });
});
