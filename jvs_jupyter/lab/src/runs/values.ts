/** Values of parameters and metrics, as people read them. */

import { TranslationBundle } from '@jupyterlab/translation';

import { figure } from '../format';

/** Marks a value whose kind JSON has no word for. */
const TAG = '$jvs';
const LONGEST = 200;

/** A value as it was given: what a record holds with its kind is taken out. */
export function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(TAG in value)) {
    return value;
  }
  const { [TAG]: kind, value: inner } = value as Record<string, unknown>;
  const special: Record<string, number> = { nan: NaN, inf: Infinity, '-inf': -Infinity };
  return kind === 'float' ? (special[String(inner).toLowerCase()] ?? inner) : inner;
}

/** What a record has under a name that somebody else chose: `constructor` is one like any other. */
export function under(values: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** A value as a finite number; null where it is none. */
export function number(value: unknown): number | null {
  const found = plain(value);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

export function shown(value: unknown): string {
  const found = plain(value);
  const text = typeof found === 'object' && found !== null ? JSON.stringify(found) : figure(found);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** How much `value` is above or below `base`, with its sign; null where one is no number. */
export function delta(value: unknown, base: unknown): string | null {
  const [one, other] = [number(value), number(base)];
  if (one === null || other === null) {
    return null;
  }
  const exact = one - other;
  const largest = Math.max(Math.abs(one), Math.abs(other));
  // what is left of two numbers that are the same but for rounding is nothing
  if (Math.abs(exact) <= 1e-12 * largest) {
    return '±0';
  }
  // as many places as the numbers themselves are shown with
  const places = Math.min(100, Math.max(0, 3 - Math.floor(Math.log10(largest))));
  const difference = Number(exact.toFixed(places)) || Number(exact.toPrecision(1));
  return `${difference > 0 ? '+' : '−'}${Math.abs(difference)}`;
}

export function duration(seconds: number, trans: TranslationBundle): string {
  return seconds < 100
    ? trans.__('%1 s', seconds.toFixed(1))
    : seconds < 6000
      ? trans.__('%1 min', Math.round(seconds / 60))
      : trans.__('%1 h', (seconds / 3600).toFixed(1));
}
