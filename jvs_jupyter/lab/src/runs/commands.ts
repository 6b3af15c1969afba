/** Commands on the row where the person is, which are also its context menu. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';

import { Run } from '../shapes';
import { RunActions } from './actions';
import { RunCommandIDs as C } from './ids';
import { RunsModel } from './model';
import { hasFailedCell, isUnderWay } from './outcome';
import { ROW } from './table';
import { RunsTab } from './tab';

interface RowCommand {
  id: string;
  label: string;
  isEnabled: (run: Run) => boolean;
  act: (run: Run, actions: RunActions, model: RunsModel) => void;
}

/** The context menu; '' separates. */
const MENU = [
  C.output,
  C.failing,
  C.changes,
  '',
  C.compare,
  C.baseline,
  '',
  C.restore,
  C.reproduce,
  '',
  C.annotate,
  C.remove,
  C.cancel
];

export function addRunCommands(
  app: JupyterFrontEnd,
  current: () => RunsTab | null,
  palette: ICommandPalette | null,
  trans: TranslationBundle
): void {
  const over = (run: Run): boolean => !isUnderWay(run);
  const list: RowCommand[] = [
    {
      id: C.output,
      label: trans.__('Open the Output'),
      isEnabled: run => current()?.desk.actions.hasOutput(run) ?? false,
      act: (run, actions) => actions.openOutput(run)
    },
    {
      id: C.failing,
      label: trans.__('Open at the Failing Cell'),
      isEnabled: hasFailedCell,
      act: (run, actions) => actions.openFailing(run)
    },
    {
      id: C.changes,
      label: trans.__('What the Run Changed'),
      isEnabled: run => run.before_snapshot_id !== null && run.after_snapshot_id !== null,
      act: (run, actions) => actions.openChanges(run)
    },
    { id: C.compare, label: trans.__('Compare'), isEnabled: () => true, act: (run, actions) => actions.compare(run) },
    {
      id: C.baseline,
      label: trans.__('Compare the Others With It'),
      isEnabled: over,
      act: (run, _, model) => model.setBaseline(run)
    },
    {
      id: C.restore,
      label: trans.__('Restore the Workspace as It Was Before…'),
      isEnabled: run => run.before_snapshot_id !== null,
      act: (run, actions) => actions.restoreBefore(run)
    },
    { id: C.reproduce, label: trans.__('Reproduce'), isEnabled: over, act: (run, actions) => actions.reproduce(run) },
    { id: C.annotate, label: trans.__('Name and Note…'), isEnabled: () => true, act: (run, actions) => actions.annotate(run) },
    { id: C.remove, label: trans.__('Remove the Record…'), isEnabled: over, act: (run, actions) => actions.remove(run) },
    { id: C.cancel, label: trans.__('Cancel the Run'), isEnabled: isUnderWay, act: (run, actions) => actions.cancel(run) }
  ];
  for (const { id, label, isEnabled, act } of list) {
    app.commands.addCommand(id, {
      label,
      isEnabled: () => {
        const run = current()?.model.currentRun ?? null;
        return run !== null && isEnabled(run);
      },
      execute: () => {
        const tab = current();
        const run = tab?.model.currentRun;
        if (tab && run) {
          act(run, tab.desk.actions, tab.model);
        }
      }
    });
    palette?.addItem({ command: id, category: trans.__('Runs') });
  }
  const selector = `.jvs-Row[data-jvs-row="${ROW}"]`;
  MENU.forEach((command, rank) =>
    app.contextMenu.addItem(command === '' ? { type: 'separator', selector, rank } : { command, selector, rank })
  );
}
