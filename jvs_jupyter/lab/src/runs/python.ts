/** The cell that gets the table of the Runs view as a DataFrame. */

import { Chosen } from './where';

/** Python for what the table shows; `folder` lies in the repository, or is `.` where the notebook itself does. */
export function tableCell(folder: string, query: Chosen, sort: string | null): string {
  const given = [
    ...(query.where.length ? [`where=[${query.where.map(quoted).join(', ')}]`] : []),
    ...(query.q === null ? [] : [`text=${quoted(query.q)}`]),
    ...(sort === null ? [] : [`sort=${quoted(sort)}`])
  ];
  return [
    'from jvs_core import Repository',
    '',
    `runs = Repository.open(${quoted(folder)}).runs.table(${given.join(', ')})`,
    'runs'
  ].join('\n');
}

/** A string as Python writes it: what JSON escapes, Python reads in the same way. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
