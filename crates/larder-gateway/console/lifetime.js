// Lifetimes as people write and read them.

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const MOST = 250_000_000_000_000;

/** Reads `1d 12h`, `500ms` and so on, in milliseconds. Throws what is wrong with it. */
export function parse(text) {
  const parts = text.trim().toLowerCase();
  if (!/^(?:\d+(?:\.\d+)?\s*(?:ms|[smhdw])\s*)+$/u.test(parts)) {
    throw new Error('A lifetime is a number with ms, s, m, h, d or w behind it, as in 12h 30m.');
  }
  let millis = 0;
  for (const [, number, unit] of parts.matchAll(/(\d+(?:\.\d+)?)\s*(ms|[smhdw])/gu))
    millis += Number(number) * UNITS[unit];
  millis = Math.round(millis);
  if (millis < 1 || millis > MOST)
    throw new Error('A lifetime is at least 1ms, and ends before the year 9999.');
  return millis;
}

const two = (number) => String(number).padStart(2, '0');

/** What is left, the two largest units of it. */
export function left(millis) {
  if (millis <= 0) return 'expired';
  // A second that has begun is still there: 0 s would say that it is over.
  const seconds = Math.ceil(millis / 1_000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days >= 1_000) return `${Math.floor(days / 365)} years`;
  if (days) return `${days}d ${two(hours)}h`;
  if (hours) return `${hours}h ${two(minutes)}m`;
  if (minutes) return `${minutes}m ${two(seconds % 60)}s`;
  return `${seconds}s`;
}
