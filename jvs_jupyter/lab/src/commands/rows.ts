/** Commands on the chosen row of each tab, which are also its context menu. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { CommandRegistry } from '@lumino/commands';

import { Actions } from '../actions';
import { WorkspaceModel } from '../model/workspace';
import { Deleted, Run, Snapshot, Worktree } from '../shapes';
import { CommandIDs } from './ids';

interface RowCommand<T> {
  id: string;
  label: string;
  act: (item: T) => unknown;
  isEnabled?: (item: T) => boolean;
  isVisible?: (item: T) => boolean;
}

export function addRowCommands(app: JupyterFrontEnd, model: WorkspaceModel, actions: Actions): void {
  const { trans } = actions.bench;
  const { viewing, snapshots, restores, recovery, folders } = actions;
  const can = (what: keyof NonNullable<WorkspaceModel['workspace']>['can']) => () =>
    (model.workspace?.can[what] ?? false) && model.operations.current === null;
  const kept = (item: Snapshot): boolean => !item.expired;

  add<Snapshot>(app.commands, () => model.chosenSnapshot, [
    {
      id: CommandIDs.compare,
      label: trans.__('Compare With Now'),
      isEnabled: kept,
      act: item => viewing.compare(item.snapshot_id, null)
    },
    {
      id: CommandIDs.compareWith,
      label: trans.__('Compare With…'),
      isEnabled: kept,
      act: item => viewing.compareWith(item)
    },
    {
      id: CommandIDs.files,
      label: trans.__('Open Files'),
      isEnabled: kept,
      act: item => model.showBelow({ kind: 'files', snapshot: item })
    },
    {
      id: CommandIDs.toFolder,
      label: trans.__('Restore to a New Folder…'),
      isEnabled: item => kept(item) && can('restore')(),
      act: item => restores.toFolder(item)
    },
    {
      id: CommandIDs.goBack,
      label: trans.__('Go Back to Here…'),
      isEnabled: item => kept(item) && can('restore_inplace')(),
      act: item => restores.goBack(item)
    },
    { id: CommandIDs.edit, label: trans.__('Edit Note and Tags…'), act: item => snapshots.edit(item) },
    { id: CommandIDs.name, label: trans.__('Give It a Name…'), act: item => snapshots.name(item) },
    {
      id: CommandIDs.pin,
      label: trans.__('Pin'),
      isVisible: item => item.pins.length === 0,
      act: item => snapshots.pin(item)
    },
    {
      id: CommandIDs.unpin,
      label: trans.__('Unpin'),
      isVisible: item => item.pins.length > 0,
      act: item => snapshots.unpin(item)
    },
    { id: CommandIDs.copyId, label: trans.__('Copy Id'), act: item => snapshots.copyId(item) }
  ]);
  add<Deleted>(app.commands, () => model.chosenDeleted, [
    {
      id: CommandIDs.putBack,
      label: trans.__('Put Back'),
      isEnabled: can('put_back'),
      act: item => recovery.putBack(item)
    },
    {
      id: CommandIDs.putBackTo,
      label: trans.__('Put Back As…'),
      isEnabled: can('put_back'),
      act: item => recovery.putBackTo(item)
    },
    { id: CommandIDs.openDeleted, label: trans.__('Open as It Was'), act: item => recovery.open(item) },
    {
      id: CommandIDs.compareDeleted,
      label: trans.__('Compare With Now'),
      isEnabled: item => item.in_worktree,
      act: item => recovery.compare(item)
    },
    { id: CommandIDs.downloadDeleted, label: trans.__('Download'), act: item => recovery.download(item) }
  ]);
  add<Run>(app.commands, () => model.chosenRun, [
    { id: CommandIDs.runTable, label: trans.__('Show in the Table of Runs'), act: run => viewing.runs(run.run_id) },
    {
      id: CommandIDs.runCompare,
      label: trans.__('What the Run Changed'),
      isEnabled: run => run.before_snapshot_id !== null && run.after_snapshot_id !== null,
      act: run => viewing.compare(run.before_snapshot_id as string, run.after_snapshot_id)
    },
    {
      id: CommandIDs.runOpen,
      label: trans.__('Open the Output'),
      isEnabled: run => run.output_path !== null,
      act: run => folders.openOutput(run)
    },
    {
      id: CommandIDs.runBefore,
      label: trans.__('Go Back to Before the Run…'),
      isEnabled: run => run.before_snapshot_id !== null && can('restore_inplace')(),
      act: run => restores.goBackTo(run.before_snapshot_id as string)
    }
  ]);
  add<Worktree>(app.commands, () => model.chosenWorktree, [
    { id: CommandIDs.worktreeOpen, label: trans.__('Open the Folder'), act: item => folders.openWorktree(item) },
    {
      id: CommandIDs.worktreeRename,
      label: trans.__('Rename…'),
      isEnabled: item => item.name !== 'main',
      act: item => folders.renameWorktree(item)
    },
    {
      id: CommandIDs.worktreeRemove,
      label: trans.__('Remove…'),
      isEnabled: item => item.name !== 'main' && item.name !== model.workspace?.worktree,
      act: item => folders.removeWorktree(item)
    }
  ]);
}

/** Add commands on what is chosen: disabled while nothing is. */
function add<T>(commands: CommandRegistry, chosen: () => T | null, list: readonly RowCommand<T>[]): void {
  for (const { id, label, act, isEnabled, isVisible } of list) {
    commands.addCommand(id, {
      label,
      isEnabled: () => {
        const item = chosen();
        return item !== null && (isEnabled?.(item) ?? true);
      },
      isVisible: () => {
        const item = chosen();
        return item === null || (isVisible?.(item) ?? true);
      },
      execute: () => {
        const item = chosen();
        return item === null ? undefined : act(item);
      }
    });
  }
}
