/** A workbench without an application, for tests of actions. */

import { nullTranslator } from '@jupyterlab/translation';
import { vi } from 'vitest';

import { Offer, Workbench } from '../actions/workbench';
import { WorkspaceModel } from '../model/workspace';
import { FakeServer } from './server';

export interface Told {
  text: string;
  offers: readonly Offer[];
}

export async function bench(answers: Record<string, unknown>) {
  const server = new FakeServer(answers);
  const model = new WorkspaceModel(server.api);
  model.inSight('panel', true);
  await model.follow('churn/main/train.ipynb', false);
  const told: Told[] = [];
  const failed: Error[] = [];
  const opened: string[] = [];
  const documents = {
    unsaved: [] as string[],
    saveBelow: vi.fn(async () => []),
    saveEditsBelow: vi.fn(async () => undefined),
    reloadBelow: vi.fn(async () => []),
    reload: vi.fn(async () => undefined),
    moveOver: vi.fn(async () => undefined),
    sharedBelow: () => [],
    unsavedBelow: async () => documents.unsaved
  };
  const commands = { hasCommand: vi.fn((_: string) => false), execute: vi.fn(async () => undefined) };
  const fake = {
    model,
    documents,
    trans: nullTranslator.load('jvs'),
    folder: 'churn/main',
    app: { commands, docRegistry: { getFileTypesForPath: () => [] as object[] } },
    manager: { openOrReveal: (path: string) => void opened.push(path) },
    tell: (text: string, offers: readonly Offer[] = []) => void told.push({ text, offers }),
    fail: (error: Error) => void failed.push(error),
    attempt: async (act: () => Promise<unknown>) => {
      await act().catch((error: Error) => failed.push(error));
    },
    refreshBrowser: async () => undefined,
    showFolder: vi.fn(async () => undefined)
  };
  return { bench: fake as unknown as Workbench, server, model, told, failed, opened, documents, commands };
}
