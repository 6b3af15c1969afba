/** What all actions share: the application, the workspace, and how results are told. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { TranslationBundle } from '@jupyterlab/translation';

import { JvsError } from '../api';
import { Documents } from '../documents';
import { Cancelled } from '../model/operations';
import { WorkspaceModel } from '../model/workspace';

/** Longer messages are cut by Lab. */
const LONGEST = 140;

export interface Offer {
  label: string;
  act: () => void;
}

export class Workbench {
  constructor(
    readonly app: JupyterFrontEnd,
    readonly model: WorkspaceModel,
    readonly documents: Documents,
    readonly manager: IDocumentManager,
    readonly trans: TranslationBundle
  ) {}

  /** The folder, for the contents API, whose documents a snapshot or restore concerns. */
  get folder(): string {
    return this.model.workspace?.worktree_path ?? this.model.folder;
  }

  /** Say what was done, and what can be done about it. */
  tell(text: string, offers: readonly Offer[] = []): void {
    Notification.success(escaped(text), { autoClose: offers.length ? 20_000 : 5_000, actions: actionsOf(offers) });
  }

  /** Say what went wrong, and what to do. */
  fail(error: Error): void {
    if (error instanceof Cancelled) {
      Notification.info(this.trans.__('Cancelled. Nothing was changed.'), { autoClose: 5_000 });
      return;
    }
    const hint = error instanceof JvsError ? error.detail.hint : null;
    const whole = hint ? `${error.message}. ${hint}` : error.message;
    const details = { label: this.trans.__('Details'), act: () => void this.showWhole(error, hint) };
    Notification.error(escaped(whole.length > LONGEST ? error.message : whole), {
      autoClose: false,
      actions: actionsOf(whole.length > LONGEST ? [details] : [])
    });
  }

  /** Act, and say what went wrong if anything did. */
  async attempt(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** Show a folder in the file browser: here in JupyterLab, in a new page in Notebook 7. */
  async showFolder(folder: string): Promise<void> {
    if (this.app.commands.hasCommand('filebrowser:go-to-path')) {
      await this.app.commands.execute('filebrowser:go-to-path', { path: folder });
    } else {
      window.open(URLExt.join(PageConfig.getBaseUrl(), 'tree', URLExt.encodeParts(folder)), '_blank');
    }
  }

  /** Let the file browser look again, where there is one. */
  async refreshBrowser(): Promise<void> {
    if (this.app.commands.hasCommand('filebrowser:refresh')) {
      await this.app.commands.execute('filebrowser:refresh');
    }
  }

  private async showWhole(error: Error, hint: string | null): Promise<void> {
    await showDialog({
      title: error.message,
      body: hint ?? '',
      buttons: [Dialog.okButton({ label: this.trans.__('Close') })]
    });
  }
}

function actionsOf(offers: readonly Offer[]): Notification.IAction[] {
  return offers.map(({ label, act }, at) => ({
    label,
    callback: act,
    displayType: at === 0 ? ('accent' as const) : ('default' as const)
  }));
}

/** Lab takes messages for Markdown; names of files are not. */
export function escaped(text: string): string {
  return text.replace(/[\\`*_[\]<>~|#]/g, '\\$&');
}
