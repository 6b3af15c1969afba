/** What the parts of the panel work with. */

import { TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext, useEffect, useState } from 'react';

import { Actions } from '../actions';
import { WorkspaceModel } from '../model/workspace';

export interface Desk {
  model: WorkspaceModel;
  actions: Actions;
  trans: TranslationBundle;
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) {
    throw new Error('a part of the panel outside of it');
  }
  return desk;
}

/** The time, told anew every half minute: nothing is asked of the server for it. */
export function useNow(): number {
  const [, tell] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || tell(times => times + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
  return Date.now();
}
