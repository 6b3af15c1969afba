/** What a folder without history shows: what keeping one takes, and the button that starts it. */

import { PageConfig } from '@jupyterlab/coreutils';
import { ReactElement, useState } from 'react';

import { baseName, size } from '../format';
import { Adoption } from '../shapes';
import { Busy } from './busy';
import { useDesk } from './desk';

export function FirstMinute(): ReactElement {
  const { model, actions, trans } = useDesk();
  const { adoption, folder } = model;
  const plan = adoption instanceof Error ? null : adoption;
  const name = baseName(folder || PageConfig.getOption('serverRoot'));
  const busy = model.operations.current !== null;
  const [withoutCaches, leaveOut] = useState(false);
  return (
    <section className="jvs-First" aria-label={trans.__('Keep a history of this folder')}>
      <p>{name ? trans.__('No history for “%1” yet.', name) : trans.__('No history for this folder yet.')}</p>
      <button
        className="jp-mod-styled jp-mod-accept"
        disabled={busy || plan === null || plan.how === null}
        onClick={() => void actions.folders.keepHistory(withoutCaches)}
      >
        {trans.__('Keep a history of this folder')}
      </button>
      <Busy />
      {adoption === null && (
        <p className="jvs-Dim" role="status">
          {trans.__('Counting files…')}
        </p>
      )}
      {adoption instanceof Error && (
        <p className="jvs-Warning" role="alert">
          {adoption.message}
        </p>
      )}
      {plan && <Takes plan={plan} withoutCaches={withoutCaches} leaveOut={leaveOut} />}
      <p className="jvs-Dim">
        {trans.__(
          'From then on, JVS keeps what you save. You can put back deleted and overwritten files, and go back to any earlier state.'
        )}
      </p>
    </section>
  );
}

interface TakesProps {
  plan: Adoption;
  withoutCaches: boolean;
  leaveOut(caches: boolean): void;
}

function Takes(props: TakesProps): ReactElement {
  const { trans } = useDesk();
  const { plan, withoutCaches, leaveOut } = props;
  if (plan.how === null) {
    return (
      <div className="jvs-Warning" role="alert">
        <p>{plan.reason?.message ?? trans.__('JVS cannot keep a history of this folder.')}</p>
        {plan.reason?.hint && <p className="jvs-Dim">{plan.reason.hint}</p>}
      </div>
    );
  }
  const files = plan.complete
    ? trans._n('%1 file', '%1 files', plan.files)
    : trans.__('more than %1 files', plan.files);
  const where = plan.how === 'rename' ? trans.__('stays where it is') : trans.__('a copy is made');
  const facts = [`${files}, ${size(plan.bytes)}`, where, trans.__('about %1 more space', size(plan.space))];
  return (
    <>
      <p>{facts.join(' · ')}</p>
      {plan.how === 'copy' && plan.reason && <p className="jvs-Dim">{plan.reason.message}</p>}
      {plan.heavy.length > 0 && (
        <details>
          <summary>{trans.__('Leave something out')}</summary>
          <ul className="jvs-Heavy">
            {plan.heavy.map(({ path, files: count, bytes }) => (
              <li key={path}>
                {path}: {trans._n('%1 file', '%1 files', count)}, {size(bytes)}
              </li>
            ))}
          </ul>
          <label>
            <input
              type="checkbox"
              checked={withoutCaches}
              onChange={event => leaveOut(event.target.checked)}
            />
            {trans.__('Leave these, and other caches, out of the history')}
          </label>
          <p className="jvs-Dim">{trans.__('They stay where they are, and going back leaves them alone.')}</p>
        </details>
      )}
    </>
  );
}
