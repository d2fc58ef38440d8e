import { invalid } from "../errors.js";
import { quoted } from "../text.js";

const MAX_ID_CHARS = 64;

/** Refuses an id that is not `[A-Za-z0-9-_]{1,64}` (K4), in the words of the Rust library. */
export function checkResourceId(id: unknown): string {
  if (typeof id !== "string") throw invalid(`a resource id is a string, and not ${typeof id}`);
  if (/^[A-Za-z0-9_-]{1,64}$/.test(id)) return id;
  const shown = quoted(Array.from(id).slice(0, MAX_ID_CHARS + 1).join(""));
  throw invalid(`${shown} is no resource id; an id has 1 to ${MAX_ID_CHARS} characters of A-Z a-z 0-9 - _`);
}
