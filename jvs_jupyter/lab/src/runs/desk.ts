/** What the parts of the Runs view work with. */

import { TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

import { RunActions } from './actions';
import { Embed } from './vega';

export interface RunsDesk {
  actions: RunActions;
  trans: TranslationBundle;
  /** The plotting library. */
  embed: () => Promise<Embed>;
  /** The name of the theme: drawings take colours of it. */
  theme: () => string;
}

export const RunsDeskContext = createContext<RunsDesk | null>(null);

export function useRunsDesk(): RunsDesk {
  const desk = useContext(RunsDeskContext);
  if (desk === null) {
    throw new Error('a part of the Runs view outside of it');
  }
  return desk;
}
