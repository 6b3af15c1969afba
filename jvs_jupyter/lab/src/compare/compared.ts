/** One file, compared: what differs, and both versions as they were then. */

import { untrustedNotebook } from '../notebook';
import { Difference } from './difference';
import { NOW, Place, Version } from './place';
import { Shown } from './present';

/** The largest notebook that is fetched to draw its outputs, in bytes. */
export const LARGEST_NOTEBOOK = 32_000_000;

export class Compared {
  constructor(
    readonly place: Place,
    readonly from: string,
    readonly to: string,
    readonly file: string,
    /** Null: nothing differs. */
    readonly difference: Difference | null,
    /** What the open document showed, where that was compared. */
    readonly shown: Shown | null,
    /** Ids of the cells of the notebook, where it was open and `to` is now. */
    readonly cells: string[] | null
  ) {}

  /** Whether another comparison found the same. */
  isAs(other: Compared): boolean {
    const of = ({ from, to, file, difference, shown, cells }: Compared): string =>
      JSON.stringify([from, to, file, difference, shown, cells]);
    return of(this) === of(other);
  }

  /** The older version; null where there was no file. */
  get old(): Version | null {
    const found = this.difference;
    return found?.old?.type === 'file'
      ? { at: this.from, file: found.old_path ?? found.path, size: found.old.size }
      : null;
  }

  /** The newer version; null where there is no file. */
  get new(): Version | null {
    const found = this.difference;
    return found?.new?.type === 'file' ? { at: this.to, file: found.path, size: found.new.size } : null;
  }

  /** The text of a version; null where it is not UTF-8. */
  async text(version: Version): Promise<string | null> {
    return this.shownOf(version) ?? this.place.text(version);
  }

  /**
   * The cells of a version of a notebook, to draw them; null when it is too large for that.
   *
   * Nothing in them says that they may be trusted.
   */
  cellsOf(version: Version): Promise<any[] | null> {
    let found = this.notebooks.get(version.at);
    if (!found) {
      found = this.fetchCells(version);
      this.notebooks.set(version.at, found);
    }
    return found;
  }

  private async fetchCells(version: Version): Promise<any[] | null> {
    if (version.size > LARGEST_NOTEBOOK) {
      return null;
    }
    const text = this.shownOf(version);
    return allCells(text === null ? await this.place.notebook(version) : untrustedNotebook(text));
  }

  private shownOf(version: Version): string | null {
    return version.at === NOW ? (this.shown?.content ?? null) : null;
  }

  private readonly notebooks = new Map<string, Promise<any[] | null>>();
}

/** All cells, in a notebook of format 3 those of all worksheets. */
function allCells(notebook: any): any[] {
  const sheets = Array.isArray(notebook?.worksheets) ? notebook.worksheets : [notebook];
  return sheets.flatMap((sheet: any) => (Array.isArray(sheet?.cells) ? sheet.cells : []));
}
