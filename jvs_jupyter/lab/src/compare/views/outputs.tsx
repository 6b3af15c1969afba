/** Outputs of a cell, drawn by Lab's own renderers as it draws those that nobody trusts. */

import { IOutputModel, OutputModel } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import { ReactElement, useLayoutEffect, useRef, useState } from 'react';

import { size } from '../../format';
import { MimeChange, OutputChange } from '../difference';
import { Tools } from '../tools';
import { Image, ImagePair } from './image_pair';
import { Lines } from './lines';

/** Longer texts are drawn only when asked for, in characters. */
const LONGEST_DRAWN = 200_000;
/** What a browser draws as an image, the best first. */
const IMAGES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];

const DRAWING = 'image/svg+xml';

export interface OutputsProps {
  changes: readonly OutputChange[];
  /** The outputs of the cell then and now; null while they are fetched, or are too large. */
  old: readonly any[] | null;
  new: readonly any[] | null;
  tools: Tools;
}

export function Outputs(props: OutputsProps): ReactElement {
  return (
    <div className="jvs-Outputs">
      {props.changes.map((change, at) => (
        <Output
          key={at}
          change={change}
          old={pick(props.old, change.old_index)}
          new={pick(props.new, change.new_index)}
          tools={props.tools}
        />
      ))}
    </div>
  );
}

function Output(props: { change: OutputChange; old: any; new: any; tools: Tools }): ReactElement {
  const { change, old, new: now, tools } = props;
  const { trans } = tools;
  const oldImage = imageOf(old);
  const newImage = imageOf(now);
  const texts = change.mimes.filter(mime => mime.hunks && mime.hunks.length > 0);
  const isText = old && now && texts.length > 0 && change.type !== 'display_data';
  const label = { added: trans.__('output added'), removed: trans.__('output gone'), changed: trans.__('output') };
  return (
    <div className="jvs-Output" role="group" aria-label={label[change.change]} data-change={change.change}>
      {oldImage && newImage ? (
        <ImagePair old={oldImage} new={newImage} detail={imageDetail(change.mimes)} trans={trans} />
      ) : isText && isTextOnly(change) ? (
        texts.map(mime => (
          <Lines key={mime.mime} hunks={mime.hunks ?? []} oldText={null} newText={null} language="" tools={tools} />
        ))
      ) : (
        <div className="jvs-Pair">
          <Side side="old" change={change} output={old} isThere={change.old_index !== null} tools={tools} />
          <Side side="new" change={change} output={now} isThere={change.new_index !== null} tools={tools} />
        </div>
      )}
    </div>
  );
}

function Side(props: {
  side: 'old' | 'new';
  change: OutputChange;
  output: any;
  isThere: boolean;
  tools: Tools;
}): ReactElement {
  const { side, change, output, tools } = props;
  const { trans } = tools;
  const label = side === 'old' ? trans.__('older output') : trans.__('newer output');
  return (
    <div className="jvs-Pair-side" data-side={side} role="group" aria-label={label}>
      {!props.isThere ? (
        <p className="jvs-None">{side === 'old' ? trans.__('no output then') : trans.__('no output now')}</p>
      ) : output && isDrawing(output) ? (
        <Image src={imageOf(output) as string} label={label} trans={trans} />
      ) : output ? (
        <Drawn output={output} tools={tools} />
      ) : (
        <ul className="jvs-Mimes">
          {change.mimes.map(mime => (
            <li key={mime.mime}>
              {mime.mime} {sizeOn(side, mime)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** One output. Nothing in it runs, whatever its file says of trust. */
export function Drawn(props: { output: any; tools: Tools }): ReactElement {
  const { output, tools } = props;
  const { trans } = tools;
  const [isWanted, setWanted] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const length = textLength(output);
  const draws = isWanted || length <= LONGEST_DRAWN;
  // a layout effect ends before its node leaves the page, which a widget must not notice
  useLayoutEffect(() => {
    const node = box.current;
    if (!node || !draws) {
      return;
    }
    const widget = widgetOf(output, tools);
    if (widget) {
      Widget.attach(widget, node);
    } else {
      node.textContent = trans.__('Nothing here can be shown without trusting the notebook.');
    }
    return () => {
      widget?.dispose();
      node.textContent = '';
    };
  }, [output, tools, draws, trans]);
  return draws ? (
    <div ref={box} className="jvs-Drawn jp-OutputArea-output" />
  ) : (
    <p className="jvs-None">
      {trans.__('A text of %1.', size(length))}{' '}
      <button onClick={() => setWanted(true)}>{trans.__('Show it')}</button>
    </p>
  );
}

function widgetOf(output: any, tools: Tools): Widget | null {
  let model: IOutputModel;
  try {
    model = new OutputModel({ value: output, trusted: false });
  } catch {
    return null; // it is no output, whatever the file says
  }
  const mime = tools.rendermime.preferredMimeType(model.data, 'ensure');
  if (!mime) {
    model.dispose();
    return null;
  }
  const widget = tools.rendermime.createRenderer(mime);
  widget.disposed.connect(() => model.dispose());
  widget.renderModel(model).catch(error => {
    widget.node.textContent = String(error);
  });
  return widget;
}

function pick(outputs: readonly any[] | null, index: number | null): any {
  return index === null ? null : (outputs?.[index] ?? null);
}

/** The address of an image in an output; null where there is none that a browser draws. */
function imageOf(output: any): string | null {
  for (const mime of IMAGES) {
    const data = output?.data?.[mime];
    const text = Array.isArray(data) ? data.join('') : data;
    if (typeof text === 'string' && /^[A-Za-z0-9+/=\s]+$/.test(text)) {
      return `data:${mime};base64,${text.replace(/\s/g, '')}`;
    }
  }
  const drawing = output?.data?.[DRAWING];
  const text = Array.isArray(drawing) ? drawing.join('') : drawing;
  return typeof text === 'string' ? `data:${DRAWING},${encodeURIComponent(text)}` : null;
}

/** Lab draws an SVG only where it is trusted; in an image nothing of it runs. */
function isDrawing(output: any): boolean {
  return DRAWING in (output.data ?? {}) && !IMAGES.some(mime => mime in output.data);
}

function imageDetail(mimes: readonly MimeChange[]): MimeChange['image'] {
  return mimes.find(mime => mime.image !== null)?.image ?? null;
}

function isTextOnly(change: OutputChange): boolean {
  return change.type === 'stream' || change.mimes.every(mime => mime.mime === 'text/plain');
}

function sizeOn(side: 'old' | 'new', mime: MimeChange): string {
  const bytes = side === 'old' ? mime.old_size : mime.new_size;
  return bytes === null ? '' : size(bytes);
}

/** The length of the texts that may be drawn, images left out. */
function textLength(output: any): number {
  const parts = Object.entries(output?.data ?? { text: output?.text ?? output?.traceback });
  return parts
    .filter(([mime]) => !IMAGES.includes(mime))
    .map(([, value]) => (typeof value === 'string' ? value.length : Array.isArray(value) ? value.join('').length : 0))
    .reduce((most, length) => Math.max(most, length), 0);
}
