/** An old cell, as the open notebook takes it: nothing in it says that it may be trusted. */

import { CellChange } from './difference';

/** A cell for the shared model. */
export interface OldCell {
  cell_type: 'code' | 'markdown' | 'raw';
  id?: string;
  source: string;
  metadata: Record<string, unknown>;
  execution_count?: number | null;
  outputs?: Record<string, unknown>[];
  attachments?: Record<string, unknown>;
}

const OUTPUTS = ['stream', 'display_data', 'execute_result', 'error'];

/**
 * The cell to put in the place of `change`, from the cell of the old notebook.
 *
 * `old` may be anything that a file holds. Outputs of formats before 4 have another shape, and are left out.
 */
export function oldCell(change: CellChange, old: any, isFormat4: boolean): OldCell {
  const source = change.old_source ?? joined(old?.source ?? old?.input);
  const type = change.old_cell_type ?? change.cell_type;
  const metadata = isRecord(old?.metadata) ? { ...old.metadata } : {};
  delete metadata.trusted;
  if (type === 'code') {
    const outputs = isFormat4 && Array.isArray(old?.outputs) ? old.outputs.filter(isOutput).map(plain) : [];
    return { cell_type: 'code', source, metadata, outputs, execution_count: count(old?.execution_count) };
  }
  const cell: OldCell = { cell_type: type === 'raw' ? 'raw' : 'markdown', source, metadata };
  return isRecord(old?.attachments) ? { ...cell, attachments: old.attachments } : cell;
}

/** Multi-line strings as one string: the shared model joins lists of lines with commas. */
function plain(output: any): Record<string, unknown> {
  const { metadata, ...rest } = output;
  const copy: Record<string, unknown> = { ...rest };
  if (output.output_type === 'stream') {
    copy.text = joined(output.text);
  }
  if (isRecord(output.data)) {
    copy.data = Object.fromEntries(
      Object.entries(output.data).map(([mime, value]) => [mime, isLines(value) ? value.join('') : value])
    );
  }
  return isRecord(metadata) ? { ...copy, metadata } : copy;
}

function isOutput(output: any): boolean {
  if (!isRecord(output) || !OUTPUTS.includes(String(output.output_type))) {
    return false;
  }
  switch (output.output_type) {
    case 'stream':
      return typeof output.text === 'string' || isLines(output.text);
    case 'error':
      return isLines(output.traceback);
    default:
      return isRecord(output.data);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLines(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(line => typeof line === 'string');
}

function joined(text: unknown): string {
  return typeof text === 'string' ? text : isLines(text) ? text.join('') : '';
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) ? value : null;
}
