/** How the history of a folder stands, in a few words. */

import { TranslationBundle } from '@jupyterlab/translation';

import { ago, ahead, size } from './format';
import { State } from './model/workspace';
import { ErrorObject, Workspace } from './shapes';

export interface Words {
  mark: 'saved' | 'changed' | 'warning' | 'none';
  /** The mark as a sign before the text. */
  sign: string;
  text: string;
  /** The same where the number of changes stands beside it. */
  short: string;
  /** More of it, for whoever asks. */
  title: string;
}

/** A quota of which more than this part is used is worth a word. */
const NEARLY_FULL = 0.95;
const SIGNS = { saved: '●', changed: '○', warning: '⚠', none: '○' };

/** The words for any state; null where there is nothing to say. */
export function statusWords(state: State, now: number, trans: TranslationBundle): Words | null {
  switch (state.kind) {
    case 'loading':
      return null;
    case 'none':
      return words('none', trans.__('no history here'), trans.__('Keep a history of this folder…'));
    case 'outside':
      return words('none', trans.__('no history here'), state.error.message);
    case 'unreachable':
      return words('warning', trans.__('history does not answer'), state.error.message);
    case 'ready':
      return historyWords(state.workspace, now, trans);
  }
}

export function historyWords(workspace: Workspace, now: number, trans: TranslationBundle): Words {
  const { timeline, without_lock, quota, changes } = workspace;
  const hint = trans.__('Snapshots of this folder');
  if (without_lock) {
    return words('warning', trans.__('cannot keep anything: %1', reason(without_lock, trans)), full(without_lock));
  }
  if (timeline.state === 'paused') {
    const text = timeline.reason
      ? trans.__('history paused: %1', reason(timeline.reason, trans))
      : trans.__('history paused');
    return words('warning', text, timeline.reason ? full(timeline.reason) : hint);
  }
  if (quota && quota.limit > 0 && quota.used / quota.limit > NEARLY_FULL) {
    const percent = Math.round((100 * quota.used) / quota.limit);
    const title = trans.__('%1 of %2 are used', size(quota.used), size(quota.limit));
    return words('warning', trans.__('%1 % of your space is used', percent), title);
  }
  const passed = timeline.last_at === null ? null : now - Date.parse(timeline.last_at);
  const changed = Math.max(timeline.changed, changes.total);
  if (changed === 0) {
    if (passed !== null) {
      return words('saved', trans.__('in history %1', ago(passed, trans)), hint);
    }
    return workspace.head_snapshot_id === null
      ? words('none', trans.__('nothing to keep yet'), hint)
      : words('saved', trans.__('all in history'), hint);
  }
  const left = timeline.next_at === null ? null : Date.parse(timeline.next_at) - now;
  if (timeline.state === 'off') {
    const title = timeline.reason ? full(timeline.reason) : trans.__('The automatic history is off');
    const off = trans.__('automatic history off');
    return words('changed', trans.__('%1 changed · %2', changed, off), title, off);
  }
  const title = timeline.slowed ? trans.__('Snapshots are less frequent, because one takes long here') : hint;
  if (left === null) {
    return words('changed', trans.__('%1 changed', changed), title, trans.__('not in the history yet'));
  }
  const next = trans.__('next in %1', ahead(left, trans));
  return words('changed', trans.__('%1 changed · %2', changed, next), title, trans.__('in the history in %1', ahead(left, trans)));
}

function words(mark: Words['mark'], text: string, title: string, short = text): Words {
  return { mark, sign: SIGNS[mark], text, short, title };
}

/** What people call it, where the error's own sentence is too long for a status bar. */
function reason(error: ErrorObject, trans: TranslationBundle): string {
  const known: Record<string, string> = {
    E_NO_SPACE: trans.__('disk full'),
    E_LOCK_CONFLICT: trans.__('being changed by somebody else')
  };
  return known[error.code] ?? error.message;
}

function full(error: ErrorObject): string {
  return error.hint ? `${error.message}. ${error.hint}` : error.message;
}
