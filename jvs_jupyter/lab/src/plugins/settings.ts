/** What a person chose in the settings of the panel. */

import { ISettingRegistry } from '@jupyterlab/settingregistry';

export class Settings {
  pageSize = 50;
  tellOfDeletions = true;
  saveBeforeMagic = true;

  take(loaded: ISettingRegistry.ISettings): void {
    this.pageSize = loaded.get('pageSize').composite as number;
    this.tellOfDeletions = loaded.get('tellOfDeletions').composite as boolean;
    this.saveBeforeMagic = loaded.get('saveBeforeMagic').composite as boolean;
  }
}
