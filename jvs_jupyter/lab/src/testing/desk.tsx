/** The panel's parts in a page of a test. */

import { nullTranslator } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import { render, RenderResult } from '@testing-library/react';
import { ReactElement } from 'react';
import { vi } from 'vitest';

import { Actions } from '../actions';
import { WorkspaceModel } from '../model/workspace';
import { DeskContext } from '../panel/desk';
import { FakeServer } from './server';

/** Actions of which each call is recorded. */
export function recordedActions() {
  const spies = {
    viewing: { compare: vi.fn(async () => undefined), open: vi.fn(async () => undefined) },
    snapshots: { take: vi.fn(async () => undefined) },
    restores: { undo: vi.fn(async () => undefined), redo: vi.fn(async () => undefined) },
    recovery: {
      putBack: vi.fn(async () => undefined),
      open: vi.fn(async () => undefined),
      compare: vi.fn(async () => undefined)
    },
    folders: { keepHistory: vi.fn(async () => undefined), release: vi.fn(async () => undefined) },
    bench: { attempt: (act: () => Promise<unknown>) => act() }
  };
  return spies;
}

export async function show(
  part: () => ReactElement,
  answers: Record<string, unknown>
): Promise<RenderResult & { model: WorkspaceModel; server: FakeServer; actions: ReturnType<typeof recordedActions> }> {
  const server = new FakeServer(answers);
  const model = new WorkspaceModel(server.api);
  const actions = recordedActions();
  model.inSight('panel', true);
  await model.follow('churn/main/train.ipynb', false);
  const trans = nullTranslator.load('jvs');
  const desk = { model, actions: actions as unknown as Actions, trans };
  const result = render(
    <DeskContext.Provider value={desk}>
      <UseSignal signal={model.changed}>{part}</UseSignal>
    </DeskContext.Provider>
  );
  return { ...result, model, server, actions };
}
