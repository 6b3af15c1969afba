/** Lab's own delete gets a way back. */

import { Contents } from '@jupyterlab/services';

import { Recovery } from '../actions/recovery';

/** Files that are deleted together are told of together, in milliseconds. */
const TOGETHER = 400;

/** Offer to undo what is deleted in this browser; `isWanted` says whether a person wants to be told. */
export function offerUndoOfDeletions(
  contents: Contents.IManager,
  recovery: Recovery,
  isWanted: () => boolean
): void {
  let paths: string[] = [];
  let timer: number | undefined;
  contents.fileChanged.connect((_, change) => {
    const path = change.type === 'delete' ? change.oldValue?.path : undefined;
    if (!path || contents.driveName(path) !== '' || !isWanted()) {
      return;
    }
    paths.push(path);
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      const deleted = paths;
      paths = [];
      void recovery.offerUndo(deleted).catch(() => undefined); // the files are gone either way; the Deleted tab has them
    }, TOGETHER);
  });
}
