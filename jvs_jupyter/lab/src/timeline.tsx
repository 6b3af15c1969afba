/** The timeline: one row a snapshot, newest first. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement } from 'react';

import { Run, Snapshot } from './api';
import { moment, shortId, size } from './format';
import { VirtualList } from './virtual';

const ROW = 52;

export interface TimelineProps {
  snapshots: readonly Snapshot[];
  runs: ReadonlyMap<string, Run>;
  head: string | null;
  filter: string;
  selected: string | null;
  trans: TranslationBundle;
  onSelect: (id: string) => void;
  onEnd: () => void;
}

export function Timeline(props: TimelineProps): ReactElement {
  const { trans } = props;
  const wanted = props.filter.trim().toLowerCase();
  const shown = wanted ? props.snapshots.filter(item => matches(item, wanted)) : props.snapshots;
  return (
    <VirtualList
      items={shown}
      rowHeight={ROW}
      label={trans.__('Snapshots, newest first')}
      keyOf={item => item.snapshot_id}
      render={item => (
        <Row
          snapshot={item}
          run={props.runs.get(item.snapshot_id)}
          isHead={item.snapshot_id === props.head}
          trans={trans}
        />
      )}
      selected={props.selected}
      onSelect={item => props.onSelect(item.snapshot_id)}
      onEnd={props.onEnd}
      empty={wanted ? trans.__('No snapshot matches.') : trans.__('No snapshot yet. Take the first one.')}
    />
  );
}

function Row(props: {
  snapshot: Snapshot;
  run: Run | undefined;
  isHead: boolean;
  trans: TranslationBundle;
}): ReactElement {
  const { snapshot, run, trans } = props;
  return (
    <div className="jvs-Snapshot" data-expired={snapshot.expired ? '' : undefined}>
      <div className="jvs-Snapshot-title">
        <span className="jvs-Snapshot-note" title={snapshot.note}>
          {snapshot.note.split('\n')[0] || <em>{trans.__('no note')}</em>}
        </span>
        {props.isHead && <Badge kind="head" text={trans.__('head')} />}
        {snapshot.refs.map(name => (
          <Badge key={`ref ${name}`} kind="ref" text={name} />
        ))}
        {snapshot.tags.map(tag => (
          <Badge key={`tag ${tag}`} kind="tag" text={tag} />
        ))}
        {run && <Badge kind={run.outcome === 'ok' ? 'run' : 'bad'} text={trans.__('run: %1', run.outcome)} />}
        {snapshot.consistency_level === 'best_effort' && (
          <Badge kind="bad" text={trans.__('best effort')} title={snapshot.degraded.join('\n')} />
        )}
        {snapshot.expired && <Badge kind="bad" text={trans.__('expired')} />}
      </div>
      <div className="jvs-Snapshot-facts">
        <code>{shortId(snapshot.snapshot_id)}</code>
        <time dateTime={snapshot.created_at}>{moment(snapshot.created_at)}</time>
        <span>{size(snapshot.bytes)}</span>
      </div>
    </div>
  );
}

function Badge(props: { kind: string; text: string; title?: string }): ReactElement {
  return (
    <span className="jvs-Badge" data-kind={props.kind} title={props.title ?? props.text}>
      {props.text}
    </span>
  );
}

function matches(item: Snapshot, wanted: string): boolean {
  return [item.note, item.snapshot_id, ...item.tags, ...item.refs].some(text =>
    text.toLowerCase().includes(wanted)
  );
}
