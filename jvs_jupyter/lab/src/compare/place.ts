/** Two times and a file: what the compare tab is opened for, and where the bytes of either time are. */

import { Contents, ServerConnection } from '@jupyterlab/services';

import { Api, JvsError, Page, Snapshot, Workspace } from '../api';
import { untrustedNotebook } from '../notebook';
import { Difference, Differences } from './difference';

/** The worktree as it is, what open documents show included. */
export const NOW = 'now';

/** What to compare; `path` is a document or folder for the contents API, `file` is inside the worktree. */
export interface Request {
  path: string;
  from?: string;
  to?: string;
  /** Null: all that changed; left out: what `path` leads to. */
  file?: string | null;
}

/** A file of one of the two times. */
export interface Version {
  at: string;
  file: string;
  size: number;
}

/** What to look into. */
export interface Question {
  from: string;
  to: string;
  file: string;
  /** Where the file was, when it moved. */
  oldPath: string | null;
  /** What an open document shows, in place of what is on disk. */
  content: string | null;
  /** Also compare what changes whenever a notebook runs. */
  everything: boolean;
}

/** The server's answers about one worktree. */
export class Place {
  private constructor(
    private readonly api: Api,
    private readonly contents: Contents.IManager,
    /** A path inside the worktree, for the contents API. */
    readonly path: string,
    private readonly workspace: Workspace
  ) {}

  static async find(api: Api, contents: Contents.IManager, path: string): Promise<Place> {
    return new Place(api, contents, path, await api.get<Workspace>('workspace', { path, limit: 1 }));
  }

  /** The worktree's folder for the contents API; null when it lies outside the server's root. */
  get folder(): string | null {
    return this.workspace.worktree_path;
  }

  /** Its name, for people. */
  get name(): string {
    return this.workspace.worktree;
  }

  get head(): string | null {
    return this.workspace.head_snapshot_id;
  }

  get canRestore(): boolean {
    return this.workspace.can.restore_inplace;
  }

  /** The path of a file of the worktree for the contents API; null when it lies outside the server's root. */
  contentsPath(file: string): string | null {
    return this.folder === null ? null : this.folder ? `${this.folder}/${file}` : file;
  }

  /** The file that `path` leads to, inside the worktree; null where that is a folder. What is no longer there counts as a file. */
  async file(): Promise<string | null> {
    const inner = this.workspace.inner_path;
    const path = this.contentsPath(inner);
    if (inner === '' || path === null) {
      return inner || null;
    }
    try {
      return (await this.contents.get(path, { content: false })).type === 'directory' ? null : inner;
    } catch (error) {
      if (error instanceof ServerConnection.ResponseError && error.response.status === 404) {
        return inner;
      }
      throw error;
    }
  }

  /** A page of snapshots, newest first: those in which `file` changed, or all. */
  versions(file: string | null, before: string | null, limit: number): Promise<Page<Snapshot>> {
    return this.api.get('snapshots', { path: this.path, file, before, limit });
  }

  snapshot(id: string): Promise<Snapshot> {
    return this.api.get(`snapshots/${id}`, { path: this.path });
  }

  /** All paths that differ, without what is inside. */
  changed(from: string, to: string): Promise<Differences> {
    return this.api.get('diff', { path: this.path, from, to });
  }

  /** How one file differs; null when it does not. */
  async inside(question: Question): Promise<Difference | null> {
    const { content, oldPath, ...values } = question;
    const asked = { ...values, path: this.path, ...(oldPath === null ? {} : { old_file: oldPath }) };
    const found =
      content === null
        ? await this.api.get<Difference>('diff', asked)
        : await this.api.post<Difference>('diff', { ...asked, content });
    return isSame(found) ? null : found;
  }

  /** The bytes of a version. */
  async bytes(version: Version): Promise<Blob> {
    const { settings } = this.api;
    const response = await ServerConnection.makeRequest(await this.url(version), {}, settings);
    if (!response.ok) {
      throw await ServerConnection.ResponseError.create(response);
    }
    return response.blob();
  }

  /** The text of a version; null where it is not UTF-8. */
  async text(version: Version): Promise<string | null> {
    try {
      const buffer = await (await this.bytes(version)).arrayBuffer();
      return new TextDecoder('utf-8', { fatal: true }).decode(buffer);
    } catch (error) {
      if (error instanceof TypeError) {
        return null;
      }
      throw error;
    }
  }

  /** A notebook, without any word of its own on whether to trust it. */
  async notebook(version: Version): Promise<unknown> {
    return untrustedNotebook(await (await this.bytes(version)).text());
  }

  /** Where a browser gets a version from. */
  async url(version: Version): Promise<string> {
    if (version.at !== NOW) {
      return this.api.contentUrl(this.path, { snapshot_id: version.at }, version.file);
    }
    const path = this.contentsPath(version.file);
    if (path === null) {
      throw new JvsError(404, {
        code: 'E_OUTSIDE_ROOT',
        message: `${version.file} lies outside the folder that this server shows`,
        hint: null
      });
    }
    return this.contents.getDownloadUrl(path);
  }
}

/** Nothing differs, neither content nor mode; what an editor shows has no mode. */
function isSame(found: Difference): boolean {
  const { old, new: now } = found;
  const isOne = old !== null && now !== null && old.type === now.type && found.old_path === null;
  return isOne && found.detail === null && old.sha256 === now.sha256 && (old.mode === now.mode || now.mode === '');
}
