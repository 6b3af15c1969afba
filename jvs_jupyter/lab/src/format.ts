/** Times, sizes and names as people read them. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes with three figures at most, in powers of a thousand, as the command prints them. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A moment in the reader's language and time zone. */
export function moment(iso: string): string {
  const date = new Date(iso);
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : 'numeric';
  const shown = { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' } as const;
  return date.toLocaleString(undefined, { ...shown, year });
}

/** The part of a snapshot id that people type. */
export function shortId(id: string): string {
  return id.slice(14);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.replace(/\/$/, '').split('/').pop() ?? path;
}
