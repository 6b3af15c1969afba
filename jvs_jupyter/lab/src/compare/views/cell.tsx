/** One cell that changed: its source, its outputs, what else is different, and taking the old one. */

import { ReactElement } from 'react';

import { CellChange, FieldChange } from '../difference';
import { cellWords } from '../words';
import { size } from '../../format';
import { Lines, Source } from './lines';
import { Outputs } from './outputs';
import { Tools } from '../tools';

export interface CellProps {
  change: CellChange;
  language: string;
  /** The cell in either notebook; null while it is fetched, or is too large. */
  old: any;
  new: any;
  tools: Tools;
  /** Null where there is no old cell to take, or no notebook to take it into. */
  onTake: (() => void) | null;
}

export function Cell(props: CellProps): ReactElement {
  const { change, tools } = props;
  const { trans } = tools;
  return (
    <>
      <CellHead change={change} tools={tools} onTake={props.onTake} />
      <CellSource {...props} />
      {change.outputs.length > 0 && (
        <Outputs changes={change.outputs} old={outputsOf(props.old)} new={outputsOf(props.new)} tools={tools} />
      )}
      {change.attachments.map(file => (
        <p key={file.mime} className="jvs-None">
          {trans.__('Attachment %1: %2 → %3', file.mime, sizeOrNone(file.old_size), sizeOrNone(file.new_size))}
        </p>
      ))}
      <Fields fields={change.metadata} label={trans.__('Settings of the cell')} tools={tools} />
    </>
  );
}

/** What a cell is called: by its place now, or by the one it had. */
export function cellName(change: CellChange, tools: Tools): string {
  const { trans } = tools;
  return change.new_index === null
    ? trans.__('Cell %1 then', (change.old_index ?? 0) + 1)
    : trans.__('Cell %1', change.new_index + 1);
}

function CellHead(props: Pick<CellProps, 'change' | 'tools' | 'onTake'>): ReactElement {
  const { change, tools, onTake } = props;
  const { trans } = tools;
  const [before, after] = change.execution ?? [null, null];
  return (
    <header className="jvs-Cell-head">
      <strong>{cellName(change, tools)}</strong>
      <span className="jvs-Cell-type">{change.cell_type}</span>
      {cellWords(change, trans).map(word => (
        <span key={word} className="jvs-Cell-word">
          {word}
        </span>
      ))}
      {change.execution && (
        <span className="jvs-Cell-type">
          [{before ?? ' '}] → [{after ?? ' '}]
        </span>
      )}
      <span className="jvs-Spring" />
      {onTake && (
        <button
          className="jp-mod-styled"
          title={trans.__('Put the old cell into the open notebook; Ctrl+Z takes it back')}
          aria-label={trans.__('Take old cell: %1', cellName(change, tools))}
            onClick={event => {
          // the button goes with the change; the focus stays here, for Ctrl+Z
          event.currentTarget.closest<HTMLElement>('[role="region"]')?.focus({ preventScroll: true });
          onTake();
        }}
        >
          {trans.__('Take old cell')}
        </button>
      )}
    </header>
  );
}

function CellSource(props: CellProps): ReactElement | null {
  const { change, tools } = props;
  const language = change.cell_type === 'code' ? props.language : change.cell_type;
  if (change.hunks.length > 0) {
    const texts = { oldText: change.old_source, newText: change.new_source };
    return <Lines hunks={change.hunks} {...texts} language={language} tools={tools} />;
  }
  const source = change.new_source ?? change.old_source ?? sourceOf(props.new ?? props.old);
  return source === null ? null : <Source text={source} language={language} tools={tools} />;
}

/** Metadata that differs. */
export function Fields(props: {
  fields: readonly FieldChange[];
  label: string;
  tools: Tools;
}): ReactElement | null {
  const { fields, label, tools } = props;
  const { trans } = tools;
  return fields.length === 0 ? null : (
    <table className="jvs-Facts-table" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">{label}</th>
          <th scope="col">{trans.__('older')}</th>
          <th scope="col">{trans.__('newer')}</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(field => (
          <tr key={field.name}>
            <th scope="row">{field.name}</th>
            <td>{field.old === null ? '–' : <del>{field.old}</del>}</td>
            <td>{field.new === null ? '–' : <ins>{field.new}</ins>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The source of a cell of any format; null where it has none. */
export function sourceOf(cell: any): string | null {
  const source = cell?.source ?? cell?.input;
  return typeof source === 'string' ? source : Array.isArray(source) ? source.join('') : null;
}

function outputsOf(cell: any): any[] | null {
  return Array.isArray(cell?.outputs) ? cell.outputs : null;
}

function sizeOrNone(bytes: number | null): string {
  return bytes === null ? '–' : size(bytes);
}
