/** What running something again showed, in a sentence. */

import { TranslationBundle } from '@jupyterlab/translation';

/** How many paths that differ are named. */
const NAMED = 3;

/** The answer to a reproduction. */
export interface Reproduced {
  /** The new run. */
  run_id: string;
  verdict: 'identical' | 'differs' | 'failed';
  paths: string[];
}

export function verdictWords(found: Reproduced, run: string, trans: TranslationBundle): string {
  const { paths } = found;
  switch (found.verdict) {
    case 'identical':
      return trans.__('%1 was reproduced: everything it makes is identical.', run);
    case 'differs': {
      const named = paths.slice(0, NAMED).join(', ');
      const more = paths.length > NAMED ? trans.__(' and %1 more', paths.length - NAMED) : '';
      return trans.__('%1 was run again, and differs in %2.', run, named + more);
    }
    case 'failed':
      return trans.__('%1 was run again, and failed.', run);
  }
}
