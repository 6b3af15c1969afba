/** Text in CodeMirror's merge view; what is too long for that by its changed lines. */

import { goToNextChunk, goToPreviousChunk, MergeView } from '@codemirror/merge';
import { EditorState, Extension } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';
import { ReactElement, useEffect, useRef, useState } from 'react';

import { Compared } from '../compared';
import { TextDetail } from '../difference';
import { Version } from '../place';
import { Tools } from '../tools';
import { Lines } from './lines';

/** Larger texts are shown by their changed lines, in bytes. */
const LARGEST_MERGED = 1_000_000;

export interface TextViewProps {
  compared: Compared;
  detail: TextDetail;
  tools: Tools;
}

type Texts = { old: string; new: string };

export function TextView(props: TextViewProps): ReactElement {
  const { compared, detail, tools } = props;
  const { trans } = tools;
  const texts = useTexts(compared);
  const notes = [
    detail.line_ends && trans.__('Line ends: %1 → %2.', ...detail.line_ends),
    String(detail.no_newline) === 'old' && trans.__('Only the older version has no newline at its end.'),
    String(detail.no_newline) === 'new' && trans.__('Only the newer version has no newline at its end.')
  ].filter((note): note is string => Boolean(note));
  return (
    <>
      {notes.map(note => (
        <p key={note} className="jvs-Said">
          {note}
        </p>
      ))}
      {texts === null ? (
        <Lines hunks={detail.hunks} oldText={null} newText={null} language={detail.language} tools={tools} />
      ) : texts !== undefined ? (
        <Merged texts={texts} language={detail.language} tools={tools} />
      ) : null}
    </>
  );
}

function Merged(props: { texts: Texts; language: string; tools: Tools }): ReactElement {
  const { texts, language, tools } = props;
  const box = useRef<HTMLDivElement>(null);
  const merged = useRef<MergeView | null>(null);
  useEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    let isWanted = true;
    void languageOf(tools, language).then(support => {
      if (isWanted) {
        const side = (doc: string, label: string): { doc: string; extensions: Extension[] } => ({
          doc,
          extensions: [
            lineNumbers(),
            EditorView.lineWrapping,
            jupyterTheme,
            support,
            EditorState.readOnly.of(true),
            EditorView.editable.of(false),
            EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' })
          ]
        });
        merged.current = new MergeView({
          parent: node,
          a: side(texts.old, tools.trans.__('older version')),
          b: side(texts.new, tools.trans.__('newer version')),
          gutter: true,
          collapseUnchanged: { margin: 3, minSize: 5 },
          diffConfig: { scanLimit: 2_000, timeout: 500 }
        });
      }
    });
    return () => {
      isWanted = false;
      merged.current?.destroy();
      merged.current = null;
    };
  }, [texts, language, tools]);
  const go = (event: Event): void => {
    const view = merged.current?.b;
    if (view) {
      const command = (event as CustomEvent<number>).detail > 0 ? goToNextChunk : goToPreviousChunk;
      command(view);
      view.focus();
    }
  };
  useEffect(() => {
    const node = box.current;
    node?.addEventListener(GO_EVENT, go);
    return () => node?.removeEventListener(GO_EVENT, go);
  }, []);
  return <div ref={box} className="jvs-Merge" data-goes="" />;
}

/** Sent to a view that has its own way to the next (1) or previous (-1) change. */
export const GO_EVENT = 'jvs-go';

/** Both texts; null where there are not two, or they are too large or no text; undefined while they are fetched. */
function useTexts(compared: Compared): Texts | null | undefined {
  const [texts, setTexts] = useState<Texts | null | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    setTexts(undefined);
    const fetch = async (version: Version | null): Promise<string | null> =>
      version === null || version.size > LARGEST_MERGED ? null : compared.text(version);
    void Promise.all([fetch(compared.old), fetch(compared.new)])
      .catch(() => [null, null])
      .then(([old, now]) => isWanted && setTexts(old === null || now === null ? null : { old, new: now }));
    return () => {
      isWanted = false;
    };
  }, [compared]);
  return texts;
}

async function languageOf(tools: Tools, extension: string): Promise<Extension> {
  const found = extension && tools.languages?.findByExtension(extension);
  return (found && (await tools.languages?.getLanguage(found))?.support) || [];
}
