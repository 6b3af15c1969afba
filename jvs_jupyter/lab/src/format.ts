/** Times, sizes and names as people read them. */

import { TranslationBundle } from '@jupyterlab/translation';

import { Workspace } from './shapes';

/** A folder that got its history in place has its repository beside it, under its own name and this. */
const ADOPTED = /(?<=.)-history$/;
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Bytes with three figures at most, in powers of a thousand, as the command prints them. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A moment in the reader's language and time zone, with its day. */
export function moment(iso: string): string {
  const date = new Date(iso);
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : 'numeric';
  const shown = { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' } as const;
  return date.toLocaleString(undefined, { ...shown, year });
}

/** The time of day. */
export function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
}

/** The time of day, with the day when that is not today. */
export function timeOf(iso: string, now = Date.now()): string {
  return sameDay(new Date(iso), new Date(now)) ? clock(iso) : moment(iso);
}

/** The time of day to the second, with the day when that was another one: tells apart what began shortly after another. */
export function second(iso: string, now = Date.now()): string {
  const date = new Date(iso);
  const time = date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  if (sameDay(date, new Date(now))) {
    return time;
  }
  const year = date.getFullYear() === new Date(now).getFullYear() ? undefined : '2-digit';
  return `${date.toLocaleDateString(undefined, { month: 'short', day: 'numeric', year })}, ${time}`;
}

/** How long ago: less than an hour in minutes; the time of day after that, with the day when it was another one. */
export function when(iso: string, now: number, trans: TranslationBundle): string {
  const passed = now - Date.parse(iso);
  if (passed < HOUR && passed > -MINUTE) {
    return ago(passed, trans);
  }
  return timeOf(iso, now);
}

/** The same below a heading that has the day. */
export function whenThatDay(iso: string, now: number, trans: TranslationBundle): string {
  return Math.abs(now - Date.parse(iso)) < HOUR ? when(iso, now, trans) : clock(iso);
}

/** A span of time up to now, in words. */
export function ago(passed: number, trans: TranslationBundle): string {
  if (passed < MINUTE) {
    return trans.__('just now');
  }
  if (passed < HOUR) {
    return trans.__('%1 min ago', Math.floor(passed / MINUTE));
  }
  if (passed < DAY) {
    return trans.__('%1 h ago', Math.floor(passed / HOUR));
  }
  return trans._n('%1 day ago', '%1 days ago', Math.floor(passed / DAY));
}

/** A span of time from now on, in words. */
export function ahead(left: number, trans: TranslationBundle): string {
  return left < MINUTE ? trans.__('less than 1 min') : trans.__('%1 min', Math.round(left / MINUTE));
}

/** The day of a moment, as a heading. */
export function day(iso: string, now: number, trans: TranslationBundle): string {
  const date = new Date(iso);
  if (sameDay(date, new Date(now))) {
    return trans.__('Today');
  }
  const before = new Date(now);
  before.setDate(before.getDate() - 1);
  if (sameDay(date, before)) {
    return trans.__('Yesterday');
  }
  const year = date.getFullYear() === new Date(now).getFullYear() ? undefined : 'numeric';
  return date.toLocaleDateString(undefined, { weekday: 'long', month: 'long', day: 'numeric', year });
}

function sameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

/** The part of a snapshot id that people type. */
export function shortId(id: string): string {
  return id.slice(14);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.replace(/\/$/, '').split('/').pop() ?? path;
}

/** What people call the folder: its name, or the repository's where that only says which worktree it is. */
export function folderName(workspace: Pick<Workspace, 'worktree' | 'worktree_path' | 'worktree_root' | 'repo_root'>): string {
  const folder = baseName(workspace.worktree_path ?? workspace.worktree_root);
  return folder && folder !== workspace.worktree ? folder : baseName(workspace.repo_root).replace(ADOPTED, '');
}

/** The folder of a path, '' for the top. */
export function dirName(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}

/** The value of a metric, short. */
export function figure(value: unknown): string {
  return typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : String(value);
}
