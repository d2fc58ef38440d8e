// Keys as paths: folders end with `:` or `/`.

const END = /[:/]/u;

/** What follows the prefix up to the end of a folder, or null if no folder is in it. */
export function folderIn(key, prefix) {
  const at = key.slice(prefix.length).search(END);
  return at < 0 ? null : key.slice(0, prefix.length + at + 1);
}

/**
 * Entries of one page, with those of one folder as one row.
 *
 * A folder with one entry is that entry, unless the page ends in it: more of it may follow.
 */
export function grouped(items, prefix, hasMore) {
  const rows = [];
  for (const item of items) {
    const folder = item.key === undefined ? null : folderIn(item.key, prefix);
    const last = rows.at(-1);
    if (folder !== null && last?.folder === folder) last.items.push(item);
    else if (folder !== null) rows.push({ folder, items: [item], isOpen: false });
    else rows.push({ item });
  }
  const last = rows.at(-1);
  if (hasMore && last?.folder !== undefined) last.isOpen = true;
  return rows.map((row) =>
    row.folder !== undefined && row.items.length === 1 && !row.isOpen ? { item: row.items[0] } : row,
  );
}

/** The folders that lead to a prefix, each with what it is called and its own prefix. */
export function steps(prefix) {
  const steps = [];
  let from = 0;
  while (from < prefix.length) {
    const at = prefix.slice(from).search(END);
    const to = at < 0 ? prefix.length : from + at + 1;
    steps.push({ name: prefix.slice(from, to), prefix: prefix.slice(0, to) });
    from = to;
  }
  return steps;
}

/** The prefix of the folder around a prefix. */
export const parent = (prefix) => steps(prefix).at(-2)?.prefix ?? '';
