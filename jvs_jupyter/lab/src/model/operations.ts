/** Long work on the server: started, followed by events, cancelled. */

import { UUID } from '@lumino/coreutils';

import { Api, JvsError } from '../api';
import { Operation } from '../shapes';

/** How long to wait before asking about an operation whose events do not come, in milliseconds. */
const ASK_AGAIN = 500;

/** A person cancelled it. */
export class Cancelled extends Error {
  constructor() {
    super('cancelled');
    this.name = 'Cancelled';
  }
}

export class Operations {
  constructor(
    private readonly api: Api,
    private readonly changed: () => void
  ) {}

  /** The operation under way, or null. */
  current: Operation | null = null;

  /** Start something and follow it to its end; its result, or the error it ended with. */
  async run<R>(route: string, body: object): Promise<R> {
    const answer = await this.api.post<R | { operation: Operation<R> }>(route, body, UUID.uuid4());
    if (!isAccepted<R>(answer)) {
      return answer;
    }
    try {
      return await this.complete(answer.operation);
    } finally {
      this.current = null;
      this.changed();
    }
  }

  /** Ask the server to stop the operation under way. */
  async cancel(): Promise<void> {
    if (this.current) {
      await this.api.delete(`operations/${this.current.id}`, {});
    }
  }

  /** Take in an event about an operation, perhaps the one under way. */
  heardOf(told: Omit<Operation, 'result'>): void {
    if (told.id === this.current?.id) {
      this.current = { ...this.current, ...told };
      this.wake?.();
      this.changed();
    }
  }

  private async complete<R>(started: Operation<R>): Promise<R> {
    this.current = started;
    this.changed();
    for (let now = started; ; ) {
      if (now.state === 'done' && now.result !== null) {
        return now.result;
      }
      if (now.state === 'failed' && now.error) {
        throw new JvsError(409, now.error);
      }
      if (now.state === 'cancelled') {
        throw new Cancelled();
      }
      await this.nextWord();
      now = (await this.api.get<{ operation: Operation<R> }>(`operations/${started.id}`, {})).operation;
      this.current = now;
      this.changed();
    }
  }

  /** Wait for an event about the operation, or for a moment. */
  private nextWord(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ASK_AGAIN);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private wake: (() => void) | null = null;
}

function isAccepted<R>(answer: R | { operation: Operation<R> }): answer is { operation: Operation<R> } {
  return typeof answer === 'object' && answer !== null && 'operation' in answer;
}
