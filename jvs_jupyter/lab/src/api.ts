/** The REST API of the server extension, as its OpenAPI file describes it. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

export const OPERATION_EVENT = 'urn:jvs:event:operation:v1';
export const CHANGE_EVENT = 'urn:jvs:event:change:v1';

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Snapshot {
  snapshot_id: string;
  worktree: string;
  parent_snapshot_id: string | null;
  created_at: string;
  note: string;
  tags: string[];
  refs: string[];
  engine: string;
  consistency_level: 'quiesced' | 'best_effort';
  files: number;
  bytes: number;
  degraded: string[];
  expired?: boolean;
}

export interface LockRecord {
  holder_id: string;
  session_id: string;
  purpose: string;
  acquired_at: string;
  lease_expires_at: string;
}

export interface Lock {
  worktree: string;
  state: 'free' | 'held' | 'expired';
  lock: LockRecord | null;
  /** The server's session holds it: this server, its kernels and its terminals. */
  mine: boolean;
  /** The server renews it until it is given back. */
  kept: boolean;
}

export interface Workspace {
  repo_id: string;
  worktree: string;
  /** The worktree's folder in the contents API's sense; null when it lies outside the server's root. */
  worktree_path: string | null;
  /** The path asked about, inside the worktree; '' is its top. */
  inner_path: string;
  snapshot_engine: string;
  head_snapshot_id: string | null;
  lock: Lock;
  changes: { total: number; truncated: boolean; added: string[]; modified: string[]; removed: string[] };
  can: Record<'snapshot' | 'restore' | 'restore_inplace' | 'undo' | 'lock' | 'release', boolean>;
}

export interface Run {
  run_id: string;
  notebook: string | null;
  outcome: string;
  before_snapshot_id: string | null;
  after_snapshot_id: string | null;
}

export interface FileEntry {
  path: string;
  type: 'file' | 'directory' | 'symlink' | 'fifo';
  size: number;
  target?: string;
}

export interface Change {
  path: string;
  change: 'added' | 'modified' | 'removed';
}

export interface ComparisonPage extends Page<Change> {
  counts: Record<Change['change'], number>;
}

export interface Restored {
  snapshot_id: string;
  worktree: string;
  path: string;
  contents_path: string | null;
}

export interface RestoredInPlace extends Restored {
  pre_restore_snapshot_id: string | null;
  added: string[];
  modified: string[];
  removed: string[];
}

export interface Initialized {
  repo_root: string;
  main_path: string;
  contents_path: string | null;
}

export interface Operation<R = unknown> {
  id: string;
  kind: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  progress: { step: string; done: number; total: number | null } | null;
  result: R | null;
  error: ErrorObject | null;
  repo_id: string | null;
  worktree: string | null;
}

export interface ErrorObject {
  code: string;
  message: string;
  hint: string | null;
}

/** What the server refused, in the words of the core. */
export class JvsError extends Error {
  constructor(
    readonly status: number,
    readonly detail: ErrorObject
  ) {
    super(detail.message);
    this.name = 'JvsError';
  }

  get code(): string {
    return this.detail.code;
  }
}

type Query = Record<string, string | number | boolean | null | undefined>;

export class Api {
  constructor(readonly settings: ServerConnection.ISettings) {}

  get<T>(route: string, query: Query): Promise<T> {
    return this.json<T>('GET', route, query);
  }

  /** Change something. `key` makes a repeated request answer with the first one's operation. */
  post<T>(route: string, body: object, key?: string): Promise<T> {
    return this.json<T>('POST', route, {}, body, key);
  }

  delete<T>(route: string, query: Query): Promise<T> {
    return this.json<T>('DELETE', route, query);
  }

  async text(workspace: string, snapshot: string, file: string): Promise<string> {
    return (await this.content(workspace, snapshot, file)).text();
  }

  async base64(workspace: string, snapshot: string, file: string): Promise<string> {
    const blob = await (await this.content(workspace, snapshot, file)).blob();
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onerror = () => reject(reader.error);
      reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
      reader.readAsDataURL(blob);
    });
  }

  contentUrl(workspace: string, snapshot: string, file: string): string {
    return this.url(`snapshots/${snapshot}/content`, { path: workspace, file });
  }

  private content(workspace: string, snapshot: string, file: string): Promise<Response> {
    return this.send('GET', this.contentUrl(workspace, snapshot, file));
  }

  private async json<T>(
    method: string,
    route: string,
    query: Query,
    body?: object,
    key?: string
  ): Promise<T> {
    const init: RequestInit = body ? { body: JSON.stringify(body) } : {};
    const headers: Record<string, string> = { 'Content-Type': 'application/json' };
    if (key) {
      headers['Idempotency-Key'] = key;
    }
    const response = await this.send(method, this.url(route, query), { ...init, headers });
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  private async send(method: string, url: string, init: RequestInit = {}): Promise<Response> {
    const response = await ServerConnection.makeRequest(url, { ...init, method }, this.settings);
    if (!response.ok) {
      throw new JvsError(response.status, await errorOf(response));
    }
    return response;
  }

  private url(route: string, query: Query): string {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
    const parts = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
    const url = URLExt.join(this.settings.baseUrl, 'jvs/api/v1', route);
    return parts.length ? `${url}?${parts.join('&')}` : url;
  }
}

async function errorOf(response: Response): Promise<ErrorObject> {
  const fallback = { code: `HTTP_${response.status}`, message: response.statusText, hint: null };
  try {
    const body = (await response.json()) as { error?: ErrorObject; message?: string };
    return body.error ?? { ...fallback, message: body.message ?? fallback.message };
  } catch {
    return fallback;
  }
}
