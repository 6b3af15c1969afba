/** The Runs view in a page of a test. */

import { nullTranslator } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import { render, RenderResult } from '@testing-library/react';
import { vi } from 'vitest';

import { RunActions } from '../runs/actions';
import { RunsDeskContext } from '../runs/desk';
import { Request, RunsModel } from '../runs/model';
import { Content } from '../runs/tab';
import { View } from '../runs/vega';
import { Run } from '../shapes';
import { workspace } from './samples';
import { FakeServer } from './server';

/** What was drawn, and a way to click on it. */
export class FakeVega {
  readonly specs: any[] = [];
  readonly signals: unknown[] = [];
  click: (id: string | null) => void = () => undefined;

  embed = async (_: HTMLElement, spec: object) => {
    this.specs.push(spec);
    const view: View = {
      addEventListener: (_type, listener) => {
        this.click = id => listener({}, id === null ? null : { datum: { id } });
      },
      signal: (_name, value) => {
        this.signals.push(value);
        return view;
      },
      runAsync: async () => undefined,
      resize: () => view,
      finalize: () => undefined
    };
    return { view, finalize: () => undefined };
  };
}

export function recordedRunActions() {
  return {
    open: vi.fn(),
    openOutput: vi.fn(),
    openFailing: vi.fn(),
    compare: vi.fn(),
    compareFiles: vi.fn(),
    cancel: vi.fn(),
    download: vi.fn(),
    toCell: vi.fn()
  };
}

/** Runs as the server gives them. */
export function runPage(items: Run[], next: string | null = null, total = items.length) {
  return { items, next, total, unreadable: [] as string[] };
}

export async function showRuns(
  answers: Record<string, unknown>,
  request: Partial<Request> = {}
): Promise<
  RenderResult & {
    model: RunsModel;
    server: FakeServer;
    actions: ReturnType<typeof recordedRunActions>;
    vega: FakeVega;
  }
> {
  const server = new FakeServer({ 'GET workspace': workspace(), 'GET runs/works': { items: [] }, ...answers });
  const model = new RunsModel(server.api);
  const actions = recordedRunActions();
  const vega = new FakeVega();
  const desk = {
    actions: actions as unknown as RunActions,
    trans: nullTranslator.load('jvs'),
    embed: async () => vega.embed,
    theme: () => 'light'
  };
  await model.open({ path: 'churn/main', ...request });
  const result = render(
    <RunsDeskContext.Provider value={desk}>
      <UseSignal signal={model.changed}>{() => <Content model={model} />}</UseSignal>
    </RunsDeskContext.Provider>
  );
  return { ...result, model, server, actions, vega };
}
