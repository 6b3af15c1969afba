/** The plugins: the Snapshots panel with its commands, the status bar's item, the compare tab, and the Runs view. */

import { comparePlugin } from './compare/plugin';
import { panelPlugin } from './plugins/panel';
import { statusPlugin } from './plugins/status';
import { runsPlugin } from './runs/plugin';

export { ISnapshots } from './plugins/panel';

export default [panelPlugin, statusPlugin, comparePlugin, runsPlugin];
