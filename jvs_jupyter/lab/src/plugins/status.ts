/** The plugin of the status bar's item. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from '../commands';
import { WorkspaceModel } from '../model/workspace';
import { StatusItem } from '../status';
import { ISnapshots } from './panel';

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jvs-snapshots:status',
  description: 'Says in the status bar how the history of the current folder stands.',
  autoStart: true,
  requires: [ISnapshots, IStatusBar],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: WorkspaceModel,
    bar: IStatusBar,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jvs');
    const onClick = (): void => void app.commands.execute(CommandIDs.timeline);
    model.inSight('status', true);
    bar.registerStatusItem(statusPlugin.id, {
      item: new StatusItem({ model, trans, onClick }),
      align: 'left',
      rank: 60,
      isActive: () => model.state.kind !== 'loading',
      activeStateChanged: model.changed
    });
  }
};
