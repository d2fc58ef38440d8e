/** The bytes that a text of base64 stands for; undefined if it is none. */
export function fromBase64(text: string): Uint8Array | undefined {
  const { Buffer } = globalThis as { Buffer?: BufferLike };
  // Node's own is many times as fast. It ignores what is no base64, so that the length is compared.
  if (Buffer !== undefined) {
    const bytes = new Uint8Array(Buffer.from(text, "base64"));
    return bytes.byteLength === lengthOf(text) ? bytes : undefined;
  }
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** Bytes as base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  const { Buffer } = globalThis as { Buffer?: BufferLike };
  if (Buffer !== undefined) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  let binary = "";
  // In pieces: as many arguments as a value has bytes are more than engines take.
  for (let at = 0; at < bytes.byteLength; at += PIECE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return btoa(binary);
}

const PIECE = 4_096;

/** As much of Node's `Buffer` as is used, where there is one. */
interface BufferLike {
  from(text: string, encoding: "base64"): Uint8Array;
  from(buffer: ArrayBufferLike, from: number, length: number): { toString(encoding: "base64"): string };
}

function lengthOf(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}
