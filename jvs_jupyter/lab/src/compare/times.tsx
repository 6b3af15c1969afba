/** Two times, and a slider over the snapshots between which one can choose. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement } from 'react';

import { Snapshot } from '../api';
import { shortId, when } from '../format';
import { NOW } from './place';

export interface TimesProps {
  /** Oldest first. */
  stops: readonly Snapshot[];
  from: string;
  to: string;
  /** What `now` includes is not all on disk. */
  isUnsaved: boolean;
  hasOlder: boolean;
  trans: TranslationBundle;
  onChange: (from: string, to: string) => void;
  onOlder: () => void;
}

export function Times(props: TimesProps): ReactElement {
  const { stops, from, to, trans } = props;
  const times = [...stops.map(stop => stop.snapshot_id), NOW];
  const names = new Map(stops.map(stop => [stop.snapshot_id, nameOf(stop, trans)]));
  names.set(NOW, props.isUnsaved ? trans.__('now, unsaved edits included') : trans.__('now'));
  const at = { from: Math.max(0, times.indexOf(from)), to: Math.max(0, times.indexOf(to)) };
  // the older time stays before the newer one
  const setFrom = (index: number): void => props.onChange(times[Math.min(index, at.to - 1)], to);
  const setTo = (index: number): void => props.onChange(from, times[Math.max(index, at.from + 1)]);
  const select = (label: string, value: string, offered: readonly string[], choose: (index: number) => void): ReactElement => (
    <select
      className="jvs-Times-choice"
      title={names.get(value) ?? value}
      aria-label={label}
      value={value}
      onChange={event => choose(times.indexOf(event.target.value))}
    >
      {[...offered].reverse().map(time => (
        <option key={time} value={time}>
          {names.get(time) ?? time}
        </option>
      ))}
    </select>
  );
  const last = times.length - 1;
  return (
    <div className="jvs-Times" role="group" aria-label={trans.__('Times to compare')}>
      {select(trans.__('Older time'), from, times.slice(0, at.to), setFrom)}
      <div className="jvs-Slider" title={trans.__('Drag either end; or use the arrow keys')}>
        <div className="jvs-Slider-line" />
        <div
          className="jvs-Slider-span"
          style={{ left: share(at.from, last), right: `calc(100% - ${share(at.to, last)})` }}
        />
        {times.length <= MOST_TICKS &&
          times.map((time, index) => <i key={time} style={{ left: share(index, last) }} />)}
        {(['from', 'to'] as const).map(end => (
          <input
            key={end}
            type="range"
            min={0}
            max={last}
            step={1}
            value={at[end]}
            aria-label={end === 'from' ? trans.__('Older time') : trans.__('Newer time')}
            aria-valuetext={names.get(times[at[end]])}
            disabled={last < 1}
            onChange={event => (end === 'from' ? setFrom : setTo)(Number(event.target.value))}
          />
        ))}
      </div>
      {select(trans.__('Newer time'), to, times.slice(at.from + 1), setTo)}
      {props.hasOlder && (
        <button className="jvs-Link" onClick={props.onOlder}>
          {trans.__('Older versions…')}
        </button>
      )}
    </div>
  );
}

/** With more times, single ones cannot be told apart on the slider. */
const MOST_TICKS = 60;

function share(index: number, last: number): string {
  return `${last > 0 ? (index / last) * 100 : 100}%`;
}

/** A snapshot, in a line. */
export function nameOf(stop: Snapshot, trans: TranslationBundle): string {
  const time = when(stop.created_at, Date.now(), trans);
  const note = stop.note.split('\n')[0] || (stop.kind === 'auto' ? trans.__('automatic') : shortId(stop.snapshot_id));
  return `${time} · ${note.length > 40 ? `${note.slice(0, 39)}…` : note}`;
}
