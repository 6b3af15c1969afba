/** A read-only drive of the contents service: files as a snapshot holds them. */

import { Contents, ServerConnection } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

import { Api } from './api';
import { baseName } from './format';

export const DRIVE = 'JVS';

/** The path of `file` of `snapshot` on the drive; `workspace` is the folder whose repository it belongs to. */
export function drivePath(workspace: string, snapshot: string, file: string): string {
  return `${DRIVE}:${encodeURIComponent(workspace) || '.'}/${snapshot}/${file}`;
}

interface Place {
  workspace: string;
  snapshot: string;
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
      created: '',
      last_modified: '',
      writable: false,
      mimetype: ''
    };
    if (options.content === false) {
      return { ...base, type: isNotebook ? 'notebook' : 'file', format: null, content: null };
    }
    if (isNotebook) {
      const content = JSON.parse(await this.api.text(place.workspace, place.snapshot, place.file));
      return { ...base, type: 'notebook', format: 'json', content };
    }
    if (options.format === 'base64') {
      const content = await this.api.base64(place.workspace, place.snapshot, place.file);
      return { ...base, type: 'file', format: 'base64', content };
    }
    const content = await this.api.text(place.workspace, place.snapshot, place.file);
    return { ...base, type: 'file', format: 'text', mimetype: 'text/plain', content };
  }

  async getDownloadUrl(path: string): Promise<string> {
    const place = parse(path);
    return this.api.contentUrl(place.workspace, place.snapshot, place.file);
  }

  async listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return [];
  }

  newUntitled(): Promise<Contents.IModel> {
    return refuse();
  }

  delete(): Promise<void> {
    return refuse();
  }

  rename(): Promise<Contents.IModel> {
    return refuse();
  }

  save(): Promise<Contents.IModel> {
    return refuse();
  }

  copy(): Promise<Contents.IModel> {
    return refuse();
  }

  createCheckpoint(): Promise<Contents.ICheckpointModel> {
    return refuse();
  }

  restoreCheckpoint(): Promise<void> {
    return refuse();
  }

  deleteCheckpoint(): Promise<void> {
    return refuse();
  }

  private readonly changed = new Signal<this, Contents.IChangedArgs>(this);
  private disposed = false;
}

function parse(path: string): Place {
  const [workspace, snapshot, ...rest] = path.split('/');
  if (!workspace || !snapshot || rest.length === 0) {
    throw new Error(`not a file of a snapshot: ${path}`);
  }
  return {
    workspace: workspace === '.' ? '' : decodeURIComponent(workspace),
    snapshot,
    file: rest.join('/')
  };
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('A snapshot never changes. Restore it to work with its files.'));
}
