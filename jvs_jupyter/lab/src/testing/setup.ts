/** What jsdom lacks. */

import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
const matchMedia = (): object => ({ matches: false, addListener: () => undefined, addEventListener: () => undefined });
Object.assign(globalThis, { matchMedia, ResizeObserver: Observer, DragEvent: class extends MouseEvent {} });

afterEach(cleanup);
