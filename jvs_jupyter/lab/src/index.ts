/** The plugins: the Snapshots panel with its commands, the status bar's item, and the compare tab. */

import { comparePlugin } from './compare/plugin';
import { panelPlugin } from './plugins/panel';
import { statusPlugin } from './plugins/status';

export { ISnapshots } from './plugins/panel';

export default [panelPlugin, statusPlugin, comparePlugin];
