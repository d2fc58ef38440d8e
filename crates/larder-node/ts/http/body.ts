import { mayGoOn, untilTime } from "../turn.js";

/** A body that is known to be no longer is read as a whole: that takes no time that matters, and less than its pieces. */
const SHORT_BYTES = 64 * 1024;

/**
 * Reads a body to its end.
 *
 * A long one piece by piece, in turns that have time for it: `arrayBuffer()` takes all that has come meanwhile, and puts it
 * together, in one go. A platform reads on when a piece has been taken.
 */
export async function readBody(response: Response): Promise<Uint8Array> {
  const { body } = response;
  // Some that are no platform's own have no stream.
  if (!body || isShort(response.headers)) return new Uint8Array(await response.arrayBuffer());
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    pieces.push(next.value);
    length += next.value.byteLength;
    if (!mayGoOn()) await untilTime();
  }
  return await joined(pieces, length);
}

function isShort(headers: Headers): boolean {
  const length = headers.get("content-length");
  // Of one that is packed, that is the length of the package.
  return length !== null && Number(length) <= SHORT_BYTES && headers.get("content-encoding") === null;
}

async function joined(pieces: Uint8Array[], length: number): Promise<Uint8Array> {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    if (!mayGoOn()) await untilTime();
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
