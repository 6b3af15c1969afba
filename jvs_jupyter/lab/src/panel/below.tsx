/** What is below the timeline: the files of a snapshot, or what changed between two. */

import { closeIcon } from '@jupyterlab/ui-components';
import { KeyboardEvent, ReactElement, useEffect, useState } from 'react';

import { moment, timeOf } from '../format';
import { Below as Shown } from '../model/workspace';
import { Change } from '../shapes';
import { VirtualList } from '../virtual';
import { useDesk } from './desk';
import { Files } from './files';

/** Changed paths fetched for one comparison; more are counted. */
const MOST_CHANGES = 1000;
const SIGNS = { added: '+', modified: '~', removed: '−' };

export function Below(props: { below: Shown }): ReactElement {
  const { model, trans } = useDesk();
  const { below } = props;
  const close = (): void => {
    model.showBelow(null);
    document.querySelector<HTMLElement>('.jvs-Panel [role="tree"]')?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      close();
      event.stopPropagation();
    }
  };
  const title =
    below.kind === 'files'
      ? trans.__('Files of %1', moment(below.snapshot.created_at))
      : below.to === null
        ? trans.__('Changed since %1', momentOf(below.from))
        : trans.__('Changed from %1 to %2', momentOf(below.from), momentOf(below.to));
  return (
    <section className="jvs-Below" aria-label={title} onKeyDown={onKeyDown}>
      <div className="jvs-Line jvs-Below-title">
        <span className="jvs-Title" title={title}>
          {title}
        </span>
        <button className="jvs-Icon" aria-label={trans.__('Close')} title={trans.__('Close')} onClick={close}>
          <closeIcon.react tag="span" />
        </button>
      </div>
      {below.kind === 'files' ? (
        <Files key={below.snapshot.snapshot_id} snapshot={below.snapshot} />
      ) : (
        <Changes key={`${below.from} ${below.to}`} from={below.from} to={below.to} />
      )}
    </section>
  );
}

function Changes(props: { from: string; to: string | null }): ReactElement {
  const { from, to } = props;
  const { model, actions, trans } = useDesk();
  const [found, setFound] = useState<{ items: Change[]; total: number } | Error | null>(null);
  const [selected, setSelected] = useState<string | null>(null);
  const present = to === null ? model.workspace : null;
  useEffect(() => {
    let wanted = true;
    model.compare(from, to, MOST_CHANGES).then(
      value => wanted && setFound(value),
      error => wanted && setFound(error)
    );
    return () => {
      wanted = false;
    };
  }, [model, from, to, present]);
  if (found === null) {
    return <p role="status">{trans.__('Comparing…')}</p>;
  }
  if (found instanceof Error) {
    return <p role="alert">{found.message}</p>;
  }
  const open = ({ path, change }: Change): void => {
    if (!path.endsWith('/')) {
      void actions.viewing.open({ snapshot_id: change === 'added' && to !== null ? to : from }, path);
    }
  };
  return (
    <>
      <p role="status" className="jvs-Dim">
        {found.total === 0
          ? trans.__('Nothing differs.')
          : trans._n('%1 file differs', '%1 files differ', found.total)}
        {found.total > found.items.length && trans.__('; the first %1 are shown', found.items.length)}
      </p>
      <VirtualList
        items={found.items}
        rowHeight={24}
        label={trans.__('Changed files')}
        keyOf={item => item.path}
        attributesOf={item => ({ 'aria-label': `${item.path}, ${item.change}` })}
        render={item => (
          <span className="jvs-Change" data-change={item.change} title={item.path}>
            <b aria-hidden="true">{SIGNS[item.change]}</b> {item.path}
          </span>
        )}
        selected={selected}
        onSelect={item => setSelected(item.path)}
        onOpen={item => (to === null && item.change === 'added' ? undefined : open(item))}
        empty={null}
      />
    </>
  );
}

function momentOf(id: string): string {
  return timeOf(new Date(Number(id.slice(0, 13))).toISOString());
}
