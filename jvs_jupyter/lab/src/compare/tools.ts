/** What views draw with: Lab's own renderers, languages and words. */

import { IEditorLanguageRegistry, jupyterHighlightStyle } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { TranslationBundle } from '@jupyterlab/translation';
import { highlightTree } from '@lezer/highlight';
import { StyleModule } from 'style-mod';

export interface Tools {
  rendermime: IRenderMimeRegistry;
  /** Null where nothing knows languages: code is plain then. */
  languages: IEditorLanguageRegistry | null;
  trans: TranslationBundle;
}

/** A piece of a line and its class. */
export interface Piece {
  text: string;
  className: string;
}

/** Longer sources are not coloured, in characters. */
const LONGEST_COLOURED = 100_000;

/** The lines of a source in pieces, coloured as an editor does; null where nothing colours it. */
export async function coloured(
  tools: Tools,
  source: string | null,
  language: string
): Promise<Piece[][] | null> {
  if (source === null || source.length > LONGEST_COLOURED || !language || !tools.languages) {
    return null;
  }
  const found =
    tools.languages.findBest(language, false) ?? tools.languages.findByExtension(language) ?? null;
  const parser = found && (await tools.languages.getLanguage(found))?.support?.language.parser;
  if (!parser) {
    return null;
  }
  if (jupyterHighlightStyle.module) {
    StyleModule.mount(document, jupyterHighlightStyle.module);
  }
  const pieces: Piece[] = [];
  let done = 0;
  highlightTree(parser.parse(source), jupyterHighlightStyle, (from, to, className) => {
    pieces.push({ text: source.slice(done, from), className: '' }, { text: source.slice(from, to), className });
    done = to;
  });
  pieces.push({ text: source.slice(done), className: '' });
  return inLines(pieces);
}

function inLines(pieces: readonly Piece[]): Piece[][] {
  const lines: Piece[][] = [[]];
  for (const { text, className } of pieces) {
    for (const [at, part] of text.split('\n').entries()) {
      if (at > 0) {
        lines.push([]);
      }
      if (part) {
        lines[lines.length - 1].push({ text: part, className });
      }
    }
  }
  return lines;
}
