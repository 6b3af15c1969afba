/** The REST API of the server extension, as its OpenAPI file describes it. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { ErrorObject, Source } from './shapes';

export const OPERATION_EVENT = 'urn:jvs:event:operation:v1';
export const CHANGE_EVENT = 'urn:jvs:event:change:v1';

export * from './shapes';

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

type Value = string | number | boolean;
/** A list is sent as the same name several times. */
type Query = Record<string, Value | readonly Value[] | null | undefined>;

export class Api {
  constructor(readonly settings: ServerConnection.ISettings) {}

  get<T>(route: string, query: Query): Promise<T> {
    return this.json<T>('GET', route, query);
  }

  /** Change something. `key` makes a repeated request answer with the first one's operation. */
  post<T>(route: string, body: object, key?: string): Promise<T> {
    return this.json<T>('POST', route, {}, body, key);
  }

  patch<T>(route: string, query: Query, body: object): Promise<T> {
    return this.json<T>('PATCH', route, query, body);
  }

  delete<T>(route: string, query: Query): Promise<T> {
    return this.json<T>('DELETE', route, query);
  }

  async text(workspace: string, source: Source, file: string): Promise<string> {
    return (await this.content(workspace, source, file)).text();
  }

  async base64(workspace: string, source: Source, file: string): Promise<string> {
    const blob = await (await this.content(workspace, source, file)).blob();
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onerror = () => reject(reader.error);
      reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
      reader.readAsDataURL(blob);
    });
  }

  /** The first `length` bytes of a file, or all of a shorter one. */
  async beginning(workspace: string, source: Source, file: string, length: number): Promise<Uint8Array> {
    const headers = { Range: `bytes=0-${length - 1}` };
    const response = await this.request('GET', this.contentUrl(workspace, source, file), { headers });
    if (response.status === 416) {
      return new Uint8Array(); // an empty file has no first byte
    }
    return new Uint8Array(await (await checked(response)).arrayBuffer());
  }

  contentUrl(workspace: string, source: Source, file: string): string {
    return 'snapshot_id' in source
      ? this.address(`snapshots/${source.snapshot_id}/content`, { path: workspace, file })
      : this.address('deleted/content', { path: workspace, file, copy: source.copy_id });
  }

  private content(workspace: string, source: Source, file: string): Promise<Response> {
    return this.send('GET', this.contentUrl(workspace, source, file));
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
    const response = await this.send(method, this.address(route, query), { ...init, headers });
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  private async send(method: string, url: string, init: RequestInit = {}): Promise<Response> {
    return checked(await this.request(method, url, init));
  }

  private request(method: string, url: string, init: RequestInit): Promise<Response> {
    return ServerConnection.makeRequest(url, { ...init, method }, this.settings);
  }

  /** Where a browser asks. */
  address(route: string, query: Query): string {
    const parts = Object.entries(query).flatMap(([name, value]) => {
      const values = Array.isArray(value) ? value : [value];
      return values
        .filter(one => one !== null && one !== undefined)
        .map(one => `${name}=${encoded(String(one))}`);
    });
    const url = URLExt.join(this.settings.baseUrl, 'jvs/api/v1', route);
    return parts.length ? `${url}?${parts.join('&')}` : url;
  }
}

/** Percent-encode a value; bytes of a name that are no UTF-8 stand in it as lone surrogates, and go as themselves. */
function encoded(text: string): string {
  return [...text]
    .map(character => {
      const code = character.charCodeAt(0);
      const isByte = character.length === 1 && code >= 0xdc80 && code <= 0xdcff;
      return isByte ? `%${(code - 0xdc00).toString(16)}` : encodeURIComponent(character);
    })
    .join('');
}

async function checked(response: Response): Promise<Response> {
  if (!response.ok) {
    throw new JvsError(response.status, await errorOf(response));
  }
  return response;
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
