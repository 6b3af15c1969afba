import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { State } from './model/workspace';
import { statusWords } from './status_words';
import { workspace } from './testing/samples';
import { TimelineState, Workspace } from './shapes';

const trans = nullTranslator.load('jvs');
const NOW = Date.parse('2026-03-04T10:00:00Z');

function text(state: State): string | undefined {
  const words = statusWords(state, NOW, trans);
  return words === null ? undefined : `${words.sign} ${words.text}`;
}

function said(timeline: Partial<TimelineState>, values: Partial<Workspace> = {}): string | undefined {
  const whole = { ...workspace().timeline, ...timeline };
  return text({ kind: 'ready', workspace: { ...workspace(), ...values, timeline: whole } });
}

describe('the status bar', () => {
  it('says since when everything is in history', () => {
    expect(said({ last_at: '2026-03-04T09:58:00Z' })).toBe('● in history 2 min ago');
  });

  it('says how much changed and when that is kept', () => {
    const changed = { state: 'changed' as const, changed: 4, next_at: '2026-03-04T10:01:00Z' };
    expect(said(changed)).toBe('○ 4 changed · next in 1 min');
  });

  it('says that it is paused, and why', () => {
    const reason = { code: 'E_NO_SPACE', message: 'no space left on device', hint: 'free some' };
    expect(said({ state: 'paused', reason })).toBe('⚠ history paused: disk full');
    const other = { code: 'E_X', message: 'the file system is gone', hint: null };
    expect(said({ state: 'paused', reason: other })).toBe('⚠ history paused: the file system is gone');
  });

  it('says that nothing can be kept without the lock', () => {
    const without_lock = { code: 'E_NO_SPACE', message: 'no space', hint: null };
    expect(said({}, { without_lock })).toBe('⚠ cannot keep anything: disk full');
  });

  it('warns before a quota is used up, not long before', () => {
    expect(said({}, { quota: { used: 97, limit: 100 } })).toBe('⚠ 97 % of your space is used');
    expect(said({ last_at: '2026-03-04T09:59:50Z' }, { quota: { used: 50, limit: 100 } })).toBe('● in history just now');
  });

  it('says that nothing is kept by itself where that is off', () => {
    expect(said({ state: 'off', changed: 2 })).toBe('○ 2 changed · automatic history off');
  });

  it('says where there is no history, and nothing before anything is known', () => {
    expect(text({ kind: 'none' })).toBe('○ no history here');
    expect(text({ kind: 'loading' })).toBeUndefined();
    expect(text({ kind: 'unreachable', error: new Error('x') })).toBe('⚠ history does not answer');
  });
});
