/** What a person writes into the filter, as the server takes it. */

/** Conditions of which all must hold, and words that must occur. */
export interface Chosen {
  where: string[];
  q: string | null;
}

const CONDITION = /([^\s=!<>~:"']+)\s*(==|!=|<=|>=|=|<|>|~|:)\s*("[^"]*"|'[^']*'|[^\s"']\S*)?/y;
const WORD = /"[^"]*"|\S+/y;

/**
 * Take `alpha<0.1 outcome:ok first try` apart: conditions, and the words between them. `name:value` is `name=value`.
 *
 * What is no condition yet goes to the server as it is, which says what is wrong with it.
 */
export function chosen(text: string): Chosen {
  const where: string[] = [];
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at])) {
      at += 1;
      continue;
    }
    CONDITION.lastIndex = WORD.lastIndex = at;
    const condition = CONDITION.exec(text);
    if (condition) {
      const [whole, name, sign, value = ''] = condition;
      where.push(`${name}${sign === ':' ? '=' : sign}${value}`);
      at += whole.length;
    } else {
      const [word] = WORD.exec(text) as RegExpExecArray;
      words.push(word.replace(/^"(.*)"$/, '$1'));
      at += word.length;
    }
  }
  return { where, q: words.join(' ') || null };
}
