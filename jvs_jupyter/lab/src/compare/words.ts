/** What changed, in a few words. */

import { TranslationBundle } from '@jupyterlab/translation';

import { CellChange, ChangeKind, Difference, Group, NotebookDetail } from './difference';

export const SIGNS: Record<ChangeKind, string> = { added: '+', modified: '~', removed: '−', renamed: '→' };

const GROUPS: readonly Group[] = ['notebooks', 'code', 'data', 'figures', 'models', 'other'];

/** Changes as people look at them: by group; what programs make again by themselves comes last. */
export function inOrder(changes: readonly Difference[]): Difference[] {
  const rank = (change: Difference): number => (change.cache ? GROUPS.length : GROUPS.indexOf(change.group));
  return [...changes].sort((one, other) => rank(one) - rank(other));
}

export function groupName(group: Group, trans: TranslationBundle): string {
  return {
    notebooks: trans.__('Notebooks'),
    code: trans.__('Code and text'),
    data: trans.__('Data'),
    figures: trans.__('Figures'),
    models: trans.__('Models'),
    other: trans.__('Other')
  }[group];
}

export function changeName(change: ChangeKind, trans: TranslationBundle): string {
  return {
    added: trans.__('added'),
    modified: trans.__('changed'),
    removed: trans.__('removed'),
    renamed: trans.__('moved')
  }[change];
}

/** What changed in a file. */
export function summary(found: Difference | null, trans: TranslationBundle): string {
  if (found === null) {
    return trans.__('nothing differs');
  }
  if (found.detail?.kind === 'notebook') {
    return notebookSummary(found.detail, trans);
  }
  return found.words || changeName(found.change, trans);
}

function notebookSummary(detail: NotebookDetail, trans: TranslationBundle): string {
  const { edited, added, removed, moved, outputs } = detail.counts;
  const parts = [
    edited && trans._n('%1 cell edited', '%1 cells edited', edited),
    added && trans._n('%1 added', '%1 added', added),
    removed && trans._n('%1 removed', '%1 removed', removed),
    moved && trans._n('%1 moved', '%1 moved', moved),
    outputs && trans._n('%1 output differs', '%1 outputs differ', outputs)
  ].filter(part => part);
  if (parts.length) {
    return parts.join(' · ');
  }
  return detail.metadata.length ? trans.__('only settings of the notebook differ') : trans.__('no cell differs');
}

/** What happened to a cell. */
export function cellWords(cell: CellChange, trans: TranslationBundle): string[] {
  if (cell.change === 'added' || cell.change === 'removed') {
    return [cell.change === 'added' ? trans.__('added') : trans.__('removed')];
  }
  const isEdited = cell.hunks.length > 0 || (cell.old_source !== null && cell.old_source !== cell.new_source);
  const words = [
    isEdited && trans.__('edited'),
    cell.old_cell_type !== null &&
      cell.old_cell_type !== cell.cell_type &&
      trans.__('%1 became %2', cell.old_cell_type, cell.cell_type),
    cell.moved && trans.__('moved'),
    cell.outputs.length > 0 && trans.__('output differs'),
    cell.metadata.length > 0 && trans.__('settings differ'),
    cell.attachments.length > 0 && trans.__('attachments differ'),
    cell.execution !== null && cell.execution[0] !== cell.execution[1] && trans.__('run again')
  ].filter((word): word is string => Boolean(word));
  return words.length ? words : [trans.__('changed')];
}
