/** Whether a person edited an open document, or Lab itself only wrote down what kernel it has. */

import { DocumentRegistry } from '@jupyterlab/docregistry';
import { Contents } from '@jupyterlab/services';

/** Whether what the document shows differs from the file that was read from disk. */
export function differs(model: DocumentRegistry.IModel, saved: Contents.IModel): boolean {
  if (saved.type === 'notebook') {
    return JSON.stringify(cellsOf(model.toJSON())) !== JSON.stringify(cellsOf(saved.content));
  }
  return typeof saved.content !== 'string' || model.toString() !== saved.content;
}

/** What a person writes and sees in cells: neither ids nor metadata, which Lab fills in. */
function cellsOf(notebook: any): unknown[] {
  const cells: any[] = Array.isArray(notebook?.cells) ? notebook.cells : [];
  return cells.map(({ cell_type, source, outputs, attachments }) => [
    cell_type,
    joined(source),
    JSON.stringify(outputs ?? [], (_, value) => joined(value)),
    attachments ?? {}
  ]);
}

/** Lines of text, which may be kept in a list, in one piece. */
function joined(value: unknown): unknown {
  return Array.isArray(value) && value.every(line => typeof line === 'string') ? value.join('') : value;
}
