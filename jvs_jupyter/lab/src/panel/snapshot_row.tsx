/** Rows of the timeline. */

import { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretRightIcon, ellipsesIcon } from '@jupyterlab/ui-components';
import { ReactElement } from 'react';

import { figure, moment, shortId, when, whenThatDay } from '../format';
import { Change, Snapshot } from '../shapes';
import { openMenu } from '../virtual';
import { useDesk } from './desk';
import { Row } from './rows';

const CACHE = /(^|\/)(__pycache__|\.ipynb_checkpoints|\.venv|node_modules|lost\+found)\//;

export function AutomaticRow(props: { row: Row & { kind: 'automatic' } }): ReactElement {
  const { trans } = useDesk();
  const { items, open, span } = props.row;
  return (
    <div className="jvs-Automatic" data-later={items[0].later || undefined}>
      <Caret open={open} />
      <span className="jvs-Title">
        {trans._n('%1 automatic', '%1 automatic', items.length)}, {span}
      </span>
    </div>
  );
}

export function SnapshotRow(props: {
  row: Row & { kind: 'snapshot' };
  now: number;
  onFold: () => void;
}): ReactElement {
  const { trans } = useDesk();
  const { item, others, open, inner } = props.row;
  return (
    <div
      className="jvs-Snapshot"
      data-later={item.later || undefined}
      data-head={item.is_head || undefined}
      data-expired={item.expired || undefined}
      data-inner={inner || undefined}
    >
      <div className="jvs-Line">
        {others.length > 0 ? (
          <button
            className="jvs-Icon jvs-Fold"
            tabIndex={-1}
            aria-label={open ? trans.__('Fold') : trans.__('Unfold')}
            onClick={event => {
              event.stopPropagation();
              props.onFold();
            }}
          >
            <Caret open={open} />
          </button>
        ) : (
          <span className="jvs-Mark" aria-hidden="true">
            {item.is_head ? '◉' : item.later ? '◌' : item.kind === 'auto' ? '·' : '○'}
          </span>
        )}
        <time className="jvs-Time" dateTime={item.created_at} title={moment(item.created_at)}>
          {whenThatDay(item.created_at, props.now, trans)}
        </time>
        <span className="jvs-Title" title={item.note || shortId(item.snapshot_id)}>
          {title(item, trans)}
        </span>
        <button
          className="jvs-Icon jvs-More"
          aria-label={trans.__('Actions for this snapshot')}
          aria-haspopup="menu"
          tabIndex={-1}
          onClick={event => {
            event.stopPropagation();
            openMenu(event.currentTarget);
          }}
        >
          <ellipsesIcon.react tag="span" />
        </button>
      </div>
      <div className="jvs-Line jvs-Second">
        <Badges item={item} />
        <Changed item={item} />
      </div>
    </div>
  );
}

/** What a screen reader says for a row. */
export function spoken(item: Snapshot, now: number, trans: TranslationBundle): string {
  const said = [when(item.created_at, now, trans), item.note.split('\n')[0] || kindOf(item, trans)];
  if (item.is_head) {
    said.push(trans.__('you are here'));
  }
  if (item.later) {
    said.push(trans.__('later than where you are'));
  }
  said.push(...item.refs, ...item.tags.map(tag => `#${tag}`));
  if (item.run) {
    said.push(runWords(item.run, trans));
  }
  if (item.changed) {
    said.push(trans._n('%1 file changed', '%1 files changed', item.changed.total));
  }
  return said.join(', ');
}

function title(item: Snapshot, trans: TranslationBundle): ReactElement | string {
  return item.note.split('\n')[0] || <em>{kindOf(item, trans)}</em>;
}

function kindOf(item: Snapshot, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    auto: trans.__('automatic'),
    checkpoint: trans.__('checkpoint'),
    restore: trans.__('before going back'),
    run: trans.__('run')
  };
  return words[item.kind ?? ''] ?? trans.__('snapshot %1', shortId(item.snapshot_id));
}

function Badges(props: { item: Snapshot }): ReactElement {
  const { trans } = useDesk();
  const { item } = props;
  return (
    <>
      {item.is_head && <strong className="jvs-Here">{trans.__('you are here')}</strong>}
      {item.refs.map(name => (
        <Badge key={`ref ${name}`} kind="ref" text={name} title={trans.__('Its name; clean-up keeps it')} />
      ))}
      {item.pins.length > 0 && (
        <Badge kind="ref" text={trans.__('pinned')} title={trans.__('Clean-up keeps it')} />
      )}
      {item.tags.map(tag => (
        <Badge key={`tag ${tag}`} kind="tag" text={`#${tag}`} />
      ))}
      {item.run && <Badge kind={item.run.outcome === 'ok' ? 'run' : 'bad'} text={runWords(item.run, trans)} />}
      {item.consistency_level === 'best_effort' && (
        <Badge
          kind="bad"
          text={trans.__('files changed meanwhile')}
          title={item.degraded.join('\n')}
        />
      )}
      {item.expired && (
        <Badge kind="bad" text={trans.__('cleaned up')} title={trans.__('Its files were removed')} />
      )}
    </>
  );
}

function Changed(props: { item: Snapshot }): ReactElement | null {
  const { actions, trans } = useDesk();
  const { changed, snapshot_id, parent_snapshot_id } = props.item;
  if (changed === null || changed.total === 0) {
    return null;
  }
  if (parent_snapshot_id === null && changed.total > changed.paths.length) {
    return <span className="jvs-Changed">{trans._n('%1 file', '%1 files', changed.total)}</span>;
  }
  const paths = theirOwn(changed.paths);
  const more = changed.total - paths.length;
  const open = (change: Change): void => {
    void (parent_snapshot_id === null
      ? actions.viewing.compare(snapshot_id, null, change.path)
      : actions.viewing.compare(parent_snapshot_id, snapshot_id, change.path));
  };
  return (
    <span className="jvs-Changed">
      {paths.map((change, at) => (
        <span key={change.path}>
          {at > 0 && ' · '}
          <button
            className="jvs-Path"
            data-change={change.change}
            tabIndex={-1}
            title={titleOf(change, trans)}
            onClick={event => {
              event.stopPropagation();
              open(change);
            }}
          >
            {change.path}
          </button>
        </span>
      ))}
      {more > 0 && ` · ${trans.__('%1 more', more)}`}
    </span>
  );
}

/** What a person changed; what programs leave beside it only where there is nothing else. */
function theirOwn(paths: readonly Change[]): readonly Change[] {
  const own = paths.filter(({ path }) => !CACHE.test(path));
  return own.length > 0 ? own : paths;
}

function titleOf(change: Change, trans: TranslationBundle): string {
  const words = { added: trans.__('new'), modified: trans.__('changed'), removed: trans.__('gone') };
  return `${change.path}: ${words[change.change]}`;
}

function runWords(run: NonNullable<Snapshot['run']>, trans: TranslationBundle): string {
  const [metric] = Object.entries(run.metrics);
  const outcome = trans.__('run: %1', run.outcome.replace(/_/g, ' '));
  return metric ? `${outcome}, ${metric[0]} ${figure(metric[1])}` : outcome;
}

function Badge(props: { kind: string; text: string; title?: string }): ReactElement {
  return (
    <span className="jvs-Badge" data-kind={props.kind} title={props.title ?? props.text}>
      {props.text}
    </span>
  );
}

function Caret(props: { open: boolean }): ReactElement {
  const Icon = props.open ? caretDownIcon : caretRightIcon;
  return <Icon.react tag="span" className="jvs-Caret" />;
}
