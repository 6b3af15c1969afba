/** The plugins: the Snapshots panel with its commands, and the status bar's item. */

import { panelPlugin } from './plugins/panel';
import { statusPlugin } from './plugins/status';

export { ISnapshots } from './plugins/panel';

export default [panelPlugin, statusPlugin];
