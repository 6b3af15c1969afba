/** Lines of text, old beside new. */

import { ReactElement, useEffect, useMemo, useState } from 'react';

import { Hunk, Line } from '../difference';
import { cut, Range, Row, rowsOf } from '../marks';
import { coloured, Piece, Tools } from '../tools';

export interface LinesProps {
  hunks: readonly Hunk[];
  /** Whole texts, to colour what is shown; null where they are not known. */
  oldText: string | null;
  newText: string | null;
  language: string;
  tools: Tools;
}

export function Lines(props: LinesProps): ReactElement {
  const { tools, hunks, oldText, newText } = props;
  const oldPieces = useColoured(props, oldText);
  const newPieces = useColoured(props, newText);
  const total = newText === null ? null : newText.split('\n').length;
  const rows = useMemo(() => rowsOf(hunks, total), [hunks, total]);
  const sides = oneSided(rows);
  return (
    <div className="jvs-Lines" role="table" aria-label={tools.trans.__('Lines')} data-sides={sides}>
      {rows.map((row, at) =>
        row.kind === 'gap' ? (
          <div key={at} className="jvs-Lines-gap" role="row">
            <span role="cell">{tools.trans._n('⋯ %1 line unchanged', '⋯ %1 lines unchanged', row.lines ?? 0)}</span>
          </div>
        ) : (
          <div key={at} className="jvs-Lines-row" role="row" data-kind={row.kind}>
            {sides !== 'new' && <Half side="old" line={row.old} marks={row.oldMarks} pieces={oldPieces} kind={row.kind} />}
            {sides !== 'old' && <Half side="new" line={row.new} marks={row.newMarks} pieces={newPieces} kind={row.kind} />}
          </div>
        )
      )}
    </div>
  );
}

/** A whole text on one side only. */
export function Source(props: { text: string; language: string; tools: Tools }): ReactElement {
  const pieces = useColoured(props, props.text);
  const lines = useMemo(() => props.text.split('\n'), [props.text]);
  return (
    <pre className="jvs-Source">
      {lines.map((text, at) => (
        <span key={at}>
          {(pieces?.[at] ?? [{ text, className: '' }]).map((piece, index) => (
            <span key={index} className={piece.className}>
              {piece.text}
            </span>
          ))}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

function Half(props: {
  side: 'old' | 'new';
  line: Line | null;
  marks: readonly Range[];
  pieces: Piece[][] | null;
  kind: Row['kind'];
}): ReactElement {
  const { side, line, kind } = props;
  if (line === null) {
    return <div className="jvs-Half" role="cell" data-side={side} data-empty="" />;
  }
  const number = side === 'old' ? line.old : line.new;
  const known = number === null ? undefined : props.pieces?.[number - 1];
  const isWhole = known?.map(piece => piece.text).join('') === line.text;
  const parts = cut(isWhole && known ? known : [{ text: line.text, className: '' }], props.marks);
  const sign = kind === 'same' ? '' : side === 'old' ? '−' : '+';
  const Tag = kind === 'same' ? 'span' : side === 'old' ? 'del' : 'ins';
  return (
    <div className="jvs-Half" role="cell" data-side={side} data-changed={kind === 'same' ? undefined : ''}>
      <span className="jvs-Half-number">{number}</span>
      <span className="jvs-Half-sign">{sign}</span>
      <Tag className="jvs-Half-text">
        {parts.map((part, at) => (
          <span key={at} className={part.marked ? `${part.className} jvs-mod-marked` : part.className}>
            {part.text}
          </span>
        ))}
        {line.cut && '…'}
      </Tag>
    </div>
  );
}

function oneSided(rows: readonly Row[]): 'old' | 'new' | 'both' {
  if (rows.every(row => row.old === null)) {
    return 'new';
  }
  return rows.every(row => row.new === null) ? 'old' : 'both';
}

function useColoured(props: { language: string; tools: Tools }, text: string | null): Piece[][] | null {
  const { language, tools } = props;
  const [pieces, setPieces] = useState<Piece[][] | null>(null);
  useEffect(() => {
    let isWanted = true;
    void coloured(tools, text, language).then(found => isWanted && setPieces(found));
    return () => {
      isWanted = false;
    };
  }, [tools, text, language]);
  return pieces;
}
