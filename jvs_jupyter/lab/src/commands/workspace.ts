/** Commands on the history of the current folder: showing it, taking a snapshot, undoing. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { CommandRegistry } from '@lumino/commands';

import { Actions } from '../actions';
import { snapshotsIcon } from '../icon';
import { Tab, WorkspaceModel } from '../model/workspace';
import { PANEL_ID } from '../panel';
import { NOTE_FIELD } from '../panel/head';
import { CommandIDs } from './ids';

export function addWorkspaceCommands(app: JupyterFrontEnd, model: WorkspaceModel, actions: Actions): void {
  const { trans } = actions.bench;
  const show = (): void => app.shell.activateById(PANEL_ID);
  const add = (id: string, options: CommandRegistry.ICommandOptions): void => {
    app.commands.addCommand(id, options);
  };
  const can = (what: keyof NonNullable<WorkspaceModel['workspace']>['can']) => () =>
    (model.workspace?.can[what] ?? false) && model.operations.current === null;

  add(CommandIDs.show, { label: trans.__('Show Snapshots'), icon: snapshotsIcon, execute: show });
  const tabs: [string, Tab, string][] = [
    [CommandIDs.timeline, 'timeline', trans.__('Show the Timeline')],
    [CommandIDs.deleted, 'deleted', trans.__('Show Deleted Files')],
    [CommandIDs.runs, 'runs', trans.__('Show Runs')],
    [CommandIDs.worktrees, 'worktrees', trans.__('Show Worktrees')]
  ];
  for (const [id, tab, label] of tabs) {
    add(id, {
      label,
      icon: snapshotsIcon,
      execute: async () => {
        await model.show(tab);
        show();
      }
    });
  }
  add(CommandIDs.snapshot, {
    label: trans.__('Take a Snapshot'),
    caption: trans.__('Keep everything in this folder as it is now'),
    icon: snapshotsIcon,
    isEnabled: () => model.workspace === null || can('snapshot')(),
    execute: async args => {
      if (model.workspace === null) {
        show();
        await model.refresh();
      }
      if (model.workspace !== null) {
        await actions.snapshots.take(typeof args.note === 'string' ? args.note : '');
      }
    }
  });
  add(CommandIDs.snapshotWithNote, {
    label: trans.__('Take a Snapshot With a Note'),
    isEnabled: can('snapshot'),
    execute: async () => {
      show();
      await model.show('timeline');
      requestAnimationFrame(() => document.getElementById(NOTE_FIELD)?.focus());
    }
  });
  add(CommandIDs.compareWithLast, {
    label: trans.__('Compare With the Last Snapshot'),
    isEnabled: () => (model.workspace?.head_snapshot_id ?? null) !== null,
    execute: async () => {
      const head = model.workspace?.head_snapshot_id;
      if (head) {
        await actions.viewing.compare(head, null);
      }
    }
  });
  add(CommandIDs.undo, {
    label: trans.__('Undo the Last Restore'),
    isEnabled: can('undo'),
    execute: () => actions.restores.undo()
  });
  add(CommandIDs.redo, {
    label: trans.__('Redo the Last Undo'),
    isEnabled: can('redo'),
    execute: () => actions.restores.redo()
  });
  add(CommandIDs.refresh, { label: trans.__('Refresh Snapshots'), execute: () => model.refresh() });
  add(CommandIDs.keepHistory, {
    label: trans.__('Keep a History of This Folder…'),
    isEnabled: () => model.state.kind === 'none',
    execute: () => show()
  });
  add(CommandIDs.automatic, {
    label: trans.__('Keep the History Automatically'),
    isEnabled: can('timeline'),
    isToggled: () => (model.workspace?.timeline.state ?? 'off') !== 'off',
    execute: () => actions.folders.automatic(model.workspace?.timeline.state === 'off')
  });
  add(CommandIDs.lock, {
    label: trans.__('Keep Locked for This Server'),
    isEnabled: () => can('lock')() && !model.workspace?.lock.kept,
    isVisible: () => !model.workspace?.lock.kept,
    execute: () => actions.folders.lock()
  });
  add(CommandIDs.release, {
    label: trans.__('Release the Lock'),
    isEnabled: () => can('release')() && (model.workspace?.lock.kept ?? false),
    isVisible: () => model.workspace?.lock.kept ?? false,
    execute: () => actions.folders.release()
  });
  add(CommandIDs.everywhere, {
    label: trans.__('Show Snapshots of All Folders'),
    isEnabled: () => model.workspace !== null,
    isToggled: () => model.everywhere,
    execute: () => model.narrow({ everywhere: !model.everywhere })
  });
}
