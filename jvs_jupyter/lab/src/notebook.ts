/** The notebooks of snapshots, as files hold them: nobody has said yet that what they show may be trusted. */

/**
 * The notebook in `text`, without any word of its own on whether to trust its outputs.
 *
 * JupyterLab runs the scripts in the outputs of a cell whose metadata says `trusted`. Of a file of its own Jupyter's
 * server writes that, from the notebook's signature; in a file of a snapshot anybody may have written it.
 */
export function untrustedNotebook(text: string): any {
  // A member "__proto__" would become the prototype of a copy, and bring what it holds back.
  const notebook = JSON.parse(text, (key, value) => (key === '__proto__' ? undefined : value));
  distrust(notebook);
  for (const sheet of [notebook, ...list(notebook?.worksheets)]) {
    for (const cell of list(sheet?.cells)) {
      distrust(cell);
      list(cell?.outputs).forEach(distrust);
    }
  }
  return notebook;
}

function distrust(part: any): void {
  if (part?.metadata) {
    delete part.metadata.trusted;
  }
}

function list(value: any): any[] {
  return Array.isArray(value) ? value : [];
}
