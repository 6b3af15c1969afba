/** A notebook, cell by cell; what did not change is folded. */

import { ReactElement, useEffect, useState } from 'react';

import { Compared } from '../compared';
import { CellChange, NotebookDetail } from '../difference';
import { Lazy } from '../lazy';
import { Tools } from '../tools';
import { cellWords } from '../words';
import { Cell, cellName, Fields, sourceOf } from './cell';
import { Source } from './lines';

/** What a part of a cell takes before it was drawn, in pixels. */
const HEAD = 40;
const LINE = 19;
const OUTPUT = 240;

export interface NotebookViewProps {
  compared: Compared;
  detail: NotebookDetail;
  tools: Tools;
  /** Null where the notebook cannot be written into. */
  onTake: ((at: number) => void) | null;
}

export function NotebookView(props: NotebookViewProps): ReactElement {
  const { compared, detail, tools, onTake } = props;
  const cells = useCells(compared);
  const isTooLarge = (compared.old && cells.old === null) || (compared.new && cells.new === null);
  return (
    <>
      {isTooLarge && (
        <p className="jvs-Said">
          {tools.trans.__('This notebook is too large to draw its outputs here: they are listed by kind and size.')}
        </p>
      )}
      {detail.cells.map((change, at) =>
        change.change === 'same' && !change.moved ? (
          <Unchanged key={keyOf(change)} change={change} cells={cells.new ?? null} language={detail.language} tools={tools} />
        ) : (
          <article
            key={keyOf(change)}
            className="jvs-Cell"
            data-change={change.change}
            data-stop=""
            tabIndex={-1}
            aria-label={`${cellName(change, tools)}: ${cellWords(change, tools.trans).join(', ')}`}
          >
            <Lazy height={heightOf(change)}>
              {() => (
                <Cell
                  change={change}
                  language={detail.language}
                  old={cellAt(cells.old, change.old_index)}
                  new={cellAt(cells.new, change.new_index)}
                  tools={tools}
                  onTake={onTake && isTakeable(change) ? () => onTake(at) : null}
                />
              )}
            </Lazy>
          </article>
        )
      )}
      {detail.metadata.length > 0 && (
        <details className="jvs-Unchanged">
          <summary>
            {tools.trans._n('%1 setting of the notebook differs', '%1 settings of the notebook differ', detail.metadata.length)}
          </summary>
          <Fields fields={detail.metadata} label={tools.trans.__('Settings of the notebook')} tools={tools} />
        </details>
      )}
    </>
  );
}

/** Whether there is an old cell that differs from the one that is there. */
function isTakeable(change: CellChange): boolean {
  return change.old_index !== null && change.change !== 'same';
}

/** Cells in a row that did not change: their number; their sources, when asked for. */
function Unchanged(props: {
  change: CellChange;
  cells: readonly any[] | null;
  language: string;
  tools: Tools;
}): ReactElement {
  const { change, cells, tools } = props;
  const { trans } = tools;
  const [isOpen, setOpen] = useState(false);
  const start = change.new_index ?? 0;
  return (
    <div className="jvs-Unchanged">
      <button aria-expanded={isOpen} disabled={cells === null} onClick={() => setOpen(!isOpen)}>
        {trans._n('⋯ %1 cell unchanged', '⋯ %1 cells unchanged', change.count)}
      </button>
      {isOpen &&
        cells?.slice(start, start + change.count).map((cell, at) => (
          <section key={at} className="jvs-Cell" aria-label={trans.__('Cell %1, unchanged', start + at + 1)}>
            <Lazy height={HEAD + LINE * linesIn(sourceOf(cell))}>
              {() => (
                <Source
                  text={sourceOf(cell) ?? ''}
                  language={cell?.cell_type === 'code' ? props.language : String(cell?.cell_type)}
                  tools={tools}
                />
              )}
            </Lazy>
          </section>
        ))}
    </div>
  );
}

interface Cells {
  /** Undefined while it is fetched; null where there is none. */
  old: readonly any[] | null | undefined;
  new: readonly any[] | null | undefined;
}

const UNKNOWN: Cells = { old: undefined, new: undefined };

/** The cells of both notebooks, fetched after what changed is shown. Those of a comparison before stay until then. */
function useCells(compared: Compared): Cells {
  const [found, setFound] = useState<Cells>(UNKNOWN);
  useEffect(() => {
    let isWanted = true;
    const cellsOf = async (side: 'old' | 'new'): Promise<void> => {
      const version = compared[side];
      const cells = version && (await compared.cellsOf(version).catch(() => null));
      if (isWanted) {
        setFound(before => ({ ...before, [side]: cells }));
      }
    };
    void cellsOf('old');
    void cellsOf('new');
    return () => {
      isWanted = false;
    };
  }, [compared]);
  return found;
}

function cellAt(cells: readonly any[] | null | undefined, index: number | null): any {
  return index === null ? null : (cells?.[index] ?? null);
}

function keyOf(change: CellChange): string {
  return `${change.old_index} ${change.new_index}`;
}

/** About what a cell takes. */
function heightOf(change: CellChange): number {
  const lines = change.hunks.length
    ? change.hunks.reduce((sum, hunk) => sum + Math.max(hunk.old_lines, hunk.new_lines) + 1, 0)
    : linesIn(change.new_source ?? change.old_source);
  return HEAD + LINE * lines + OUTPUT * change.outputs.length;
}

function linesIn(text: string | null): number {
  return text === null ? 1 : text.split('\n').length;
}
