/** A server that answers from memory, for tests. */

import { Api, JvsError } from '../api';

type Answer = unknown | ((values: Record<string, any>) => unknown);

/** Answers by `METHOD route`; what is not there is `E_NOT_FOUND`. */
export class FakeServer {
  constructor(readonly answers: Record<string, Answer> = {}) {}

  /** What was asked, in order. */
  readonly asked: { call: string; values: Record<string, any> }[] = [];

  get api(): Api {
    const answer = (method: string) => (route: string, one: object, other?: object | string) =>
      this.answer(`${method} ${route}`, { ...one, ...(typeof other === 'object' ? other : {}) });
    const fake = {
      get: answer('GET'),
      post: answer('POST'),
      patch: answer('PATCH'),
      delete: answer('DELETE'),
      contentUrl: () => 'http://localhost/content'
    };
    return fake as unknown as Api;
  }

  calls(call: string): Record<string, any>[] {
    return this.asked.filter(one => one.call === call).map(one => one.values);
  }

  private async answer(call: string, values: Record<string, any>): Promise<unknown> {
    this.asked.push({ call, values });
    if (!(call in this.answers)) {
      throw refusal('E_NOT_FOUND', `no answer to ${call}`);
    }
    const found = this.answers[call];
    return typeof found === 'function' ? found(values) : found;
  }
}

export function refusal(code: string, message: string, hint: string | null = null): JvsError {
  return new JvsError(409, { code, message, hint });
}

export function page<T>(items: T[], next: string | null = null): { items: T[]; next: string | null } {
  return { items, next };
}
