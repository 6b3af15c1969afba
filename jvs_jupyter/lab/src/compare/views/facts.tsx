/** Models and archives by what they say of themselves; links; everything else by size and digest. Nothing is loaded or unpacked. */

import { ReactElement } from 'react';

import { size } from '../../format';
import { ArchiveDetail, Difference, LinkDetail, ModelDetail, Side, TensorFacts } from '../difference';
import { Tools } from '../tools';
import { Fields } from './cell';

export function ModelView(props: { detail: ModelDetail; tools: Tools }): ReactElement {
  const { detail, tools } = props;
  const { trans } = tools;
  return (
    <>
      <p className="jvs-Said">
        {trans.__('%1: JVS read its header and did not load it.', detail.format)}{' '}
        {detail.old_tensors + detail.new_tensors > 0 &&
          trans.__('%1 → %2 arrays.', detail.old_tensors, detail.new_tensors)}{' '}
        {!detail.values_compared && trans.__('Values that are not listed may still differ.')}
      </p>
      <Fields fields={detail.facts} label={trans.__('Facts')} tools={tools} />
      {detail.tensors.length > 0 && (
        <table className="jvs-Facts-table" aria-label={trans.__('Arrays')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('array')}</th>
              <th scope="col" />
              <th scope="col">{trans.__('older')}</th>
              <th scope="col">{trans.__('newer')}</th>
            </tr>
          </thead>
          <tbody>
            {detail.tensors.map(tensor => (
              <tr key={tensor.name} data-change={tensor.change}>
                <th scope="row">{tensor.name}</th>
                <td>
                  {
                    {
                      added: trans.__('added'),
                      removed: trans.__('removed'),
                      shape: trans.__('other shape or type'),
                      values: trans.__('other values')
                    }[tensor.change]
                  }
                </td>
                <td>{tensorWords(tensor.old)}</td>
                <td>{tensorWords(tensor.new)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

export function ArchiveView(props: { detail: ArchiveDetail; tools: Tools }): ReactElement {
  const { detail, tools } = props;
  const { trans } = tools;
  return (
    <>
      <p className="jvs-Said">
        {trans.__('%1: JVS read its list of files and did not unpack it. %2 → %3 files.', detail.format, detail.old_members, detail.new_members)}{' '}
        {!detail.contents_compared && trans.__('Its files are compared by size and time.')}
      </p>
      <table className="jvs-Facts-table" aria-label={trans.__('Files in the archive')}>
        <thead>
          <tr>
            <th scope="col">{trans.__('file')}</th>
            <th scope="col" />
            <th scope="col">{trans.__('older')}</th>
            <th scope="col">{trans.__('newer')}</th>
          </tr>
        </thead>
        <tbody>
          {detail.members.map(member => (
            <tr key={member.path} data-change={member.change}>
              <th scope="row">{member.path}</th>
              <td>
                {{ added: trans.__('added'), removed: trans.__('removed'), changed: trans.__('changed') }[member.change]}
              </td>
              <td>{member.old_size === null ? '–' : size(member.old_size)}</td>
              <td>{member.new_size === null ? '–' : size(member.new_size)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

export function LinkView(props: { detail: LinkDetail; tools: Tools }): ReactElement {
  const { detail, tools } = props;
  const { trans } = tools;
  const fields = [{ name: trans.__('leads to'), old: detail.old_target, new: detail.new_target }];
  return <Fields fields={fields} label={trans.__('Link')} tools={tools} />;
}

/** What is known of both versions of any file. */
export function SidesView(props: { difference: Difference; tools: Tools }): ReactElement {
  const { difference, tools } = props;
  const { trans } = tools;
  const { old, new: now } = difference;
  const row = (label: string, of: (side: Side) => string): ReactElement => (
    <tr>
      <th scope="row">{label}</th>
      <td>{old ? of(old) : '–'}</td>
      <td>{now ? of(now) : '–'}</td>
    </tr>
  );
  return (
    <table className="jvs-Facts-table" aria-label={trans.__('Both versions')}>
      <thead>
        <tr>
          <th scope="col" />
          <th scope="col">{trans.__('older')}</th>
          <th scope="col">{trans.__('newer')}</th>
        </tr>
      </thead>
      <tbody>
        {row(trans.__('size'), side => (side.type === 'file' ? trans.__('%1 (%2 bytes)', size(side.size), side.size.toLocaleString()) : side.type))}
        {row(trans.__('SHA-256'), side => side.sha256 ?? '–')}
        {old?.mode !== now?.mode && row(trans.__('mode'), side => side.mode || '–')}
      </tbody>
    </table>
  );
}

function tensorWords(facts: TensorFacts | null): string {
  return facts ? `${facts.dtype} [${facts.shape.join(' × ')}]${facts.bytes === null ? '' : ` ${size(facts.bytes)}`}` : '–';
}
