/** A read-only drive of the contents service: files as a snapshot holds them. */

import { Contents, ServerConnection } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

import { Api } from './api';
import { baseName, shortId } from './format';
import { Source } from './shapes';
import { untrustedNotebook } from './notebook';

export const DRIVE = 'JVS';

/** Marks the id of a kept copy; snapshots and copies have ids of the same shape. */
const COPY = 'copy-';

/**
 * The path of a file of `source` on the drive; `workspace` is the folder whose repository it belongs to.
 *
 * The name carries the id, so that the tab of an old version is told from that of the present one.
 */
export function drivePath(workspace: string, source: Source, file: string): string {
  const [, stem, extension] = /^(.*?)((?:\.[^./]*)?)$/.exec(file) as RegExpExecArray;
  const id = 'snapshot_id' in source ? source.snapshot_id : source.copy_id;
  const holder = 'snapshot_id' in source ? id : `${COPY}${id}`;
  return `${DRIVE}:${encodeURIComponent(workspace) || '.'}/${holder}/${stem}${mark(id)}${extension}`;
}

/** What a path on the drive leads to. */
export interface Place {
  workspace: string;
  source: Source;
  /** When it was kept, as its id says. */
  taken: string;
  file: string;
}

export class SnapshotDrive implements Contents.IDrive {
  readonly name = DRIVE;

  constructor(private readonly api: Api) {}

  get serverSettings(): ServerConnection.ISettings {
    return this.api.settings;
  }

  get fileChanged(): ISignal<this, Contents.IChangedArgs> {
    return this.changed;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    this.disposed = true;
    Signal.clearData(this);
  }

  async get(path: string, options: Contents.IFetchOptions = {}): Promise<Contents.IModel> {
    const place = parse(path);
    const isNotebook = options.type === 'notebook' || path.endsWith('.ipynb');
    const base = {
      name: baseName(path),
      path,
      created: place.taken,
      last_modified: place.taken,
      writable: false,
      mimetype: ''
    };
    if (options.content === false) {
      return { ...base, type: isNotebook ? 'notebook' : 'file', format: null, content: null };
    }
    if (isNotebook) {
      const text = await this.api.text(place.workspace, place.source, place.file);
      const content = untrustedNotebook(text);
      return { ...base, type: 'notebook', format: 'json', content };
    }
    if (options.format === 'base64') {
      const content = await this.api.base64(place.workspace, place.source, place.file);
      return { ...base, type: 'file', format: 'base64', content };
    }
    const content = await this.api.text(place.workspace, place.source, place.file);
    return { ...base, type: 'file', format: 'text', mimetype: 'text/plain', content };
  }

  async getDownloadUrl(path: string): Promise<string> {
    const place = parse(path);
    return this.api.contentUrl(place.workspace, place.source, place.file);
  }

  async listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return [];
  }

  newUntitled(): Promise<Contents.IModel> {
    return refuse('newUntitled');
  }

  delete(): Promise<void> {
    return refuse('delete');
  }

  rename(): Promise<Contents.IModel> {
    return refuse('rename');
  }

  save(): Promise<Contents.IModel> {
    return refuse('save');
  }

  copy(): Promise<Contents.IModel> {
    return refuse('copy');
  }

  createCheckpoint(): Promise<Contents.ICheckpointModel> {
    return refuse('createCheckpoint');
  }

  restoreCheckpoint(): Promise<void> {
    return refuse('restoreCheckpoint');
  }

  deleteCheckpoint(): Promise<void> {
    return refuse('deleteCheckpoint');
  }

  private readonly changed = new Signal<this, Contents.IChangedArgs>(this);
  private disposed = false;
}

/** Take a path on the drive, without the drive's name, apart. */
export function parse(path: string): Place {
  const [workspace, holder, ...rest] = path.split('/');
  if (!workspace || !holder || rest.length === 0) {
    throw new Error(`not a file of a snapshot: ${path}`);
  }
  const id = holder.startsWith(COPY) ? holder.slice(COPY.length) : holder;
  return {
    workspace: workspace === '.' ? '' : decodeURIComponent(workspace),
    source: id === holder ? { snapshot_id: id } : { copy_id: id },
    taken: new Date(Number(id.slice(0, 13))).toISOString(),
    file: unmarked(rest.join('/'), mark(id))
  };
}

function mark(id: string): string {
  return ` @ ${shortId(id)}`;
}

function unmarked(path: string, marked: string): string {
  const at = path.lastIndexOf(marked);
  return at < 0 ? path : path.slice(0, at) + path.slice(at + marked.length);
}

function refuse(what: string): Promise<never> {
  return Promise.reject(new Error(`${what}: a snapshot never changes. Restore it to work with its files.`));
}
