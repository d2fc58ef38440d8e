// Who uses the console. The key is in this module and nowhere else: in no storage, no address, and not in the page.

let key = null;

/** Whether a key was given. */
export const hasKey = () => key !== null;

/** Takes a key. Throws if it cannot be one. */
export function unlock(text) {
  const given = text.trim();
  if (!/^[\x21-\x7e]+$/u.test(given)) throw new Error('An API key has no spaces, and letters of ASCII only.');
  key = given;
}

export function forget() {
  key = null;
}

/** What tells the gateway who asks. */
export const credentials = () => (key === null ? {} : { Authorization: `Bearer ${key}` });
