// JSON for people: indented and coloured, every token as it was written, since a number that is parsed may lose digits.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null|[{}[\],:]/gu;

/** Lines are indented by no more levels than these: a value of 24 KiB has up to 12,288, which would be 300 MB of spaces. */
const MOST_LEVELS = 32;

/** What is wrong with it, or null. */
export function mistake(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error.message;
  }
}

/** The tokens of an indented form, as `[kind, text]`; null if it is no JSON. */
export function indented(text) {
  if (mistake(text) !== null) return null;
  const tokens = text.match(TOKEN);
  const out = [];
  let depth = 0;
  const line = () => out.push(['space', `\n${'  '.repeat(Math.min(depth, MOST_LEVELS))}`]);
  tokens.forEach((token, at) => {
    const next = tokens[at + 1];
    if (token === '{' || token === '[') {
      out.push(['mark', token]);
      if (next === '}' || next === ']') return;
      depth += 1;
      line();
    } else if (token === '}' || token === ']') {
      const before = tokens[at - 1];
      if (before !== '{' && before !== '[') {
        depth -= 1;
        line();
      }
      out.push(['mark', token]);
    } else if (token === ',') {
      out.push(['mark', token]);
      line();
    } else if (token === ':') {
      out.push(['mark', ': ']);
    } else if (token.startsWith('"')) {
      out.push([next === ':' ? 'name' : 'string', token]);
    } else {
      out.push([/[0-9]/u.test(token) ? 'number' : 'literal', token]);
    }
  });
  return out;
}

/** The indented form as text; null if it is no JSON. */
export const pretty = (text) =>
  indented(text)
    ?.map(([, token]) => token)
    .join('') ?? null;
