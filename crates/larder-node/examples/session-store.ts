// Sessions of Express in a store of Larder: they expire by themselves, and a cloud's store serves many processes.

import type { Kv } from "@larder/kv";
import express, { type Express } from "express";
import session, { type SessionData, Store } from "express-session";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** A session store over any store of Larder. */
export class LarderSessionStore extends Store {
  readonly #kv: Kv;

  constructor(kv: Kv) {
    super();
    this.#kv = kv;
  }

  override get(sid: string, done: (error: unknown, found?: SessionData | null) => void): void {
    this.#kv.getJson<SessionData>(keyOf(sid)).then((found) => done(null, found ?? null), done);
  }

  override set(sid: string, data: SessionData, done: (error?: unknown) => void = () => {}): void {
    this.#kv.set(keyOf(sid), data, { ttlMs: lifetimeOf(data) }).then(() => done(), done);
  }

  /** The session was used: it lives on, and its data is not sent again. */
  override touch(sid: string, data: SessionData, done: (error?: unknown) => void = () => {}): void {
    this.#kv.touch(keyOf(sid), lifetimeOf(data)).then(() => done(), done);
  }

  override destroy(sid: string, done: (error?: unknown) => void = () => {}): void {
    this.#kv.delete(keyOf(sid)).then(() => done(), done);
  }
}

function keyOf(sid: string): string {
  return `session:${sid}`;
}

function lifetimeOf({ cookie }: SessionData): number {
  return Math.max(cookie.expires ? new Date(cookie.expires).getTime() - Date.now() : DAY_MS, 1);
}

declare module "express-session" {
  interface SessionData {
    visits?: number;
  }
}

/** An application that counts each visitor's visits. */
export function countingApp(kv: Kv, secret: string): Express {
  const app = express();
  const store = new LarderSessionStore(kv);
  app.use(session({ store, secret, resave: false, saveUninitialized: false, cookie: { maxAge: DAY_MS } }));
  app.get("/", (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    response.json({ visits: request.session.visits });
  });
  // Changes nothing: the session lives on, by a touch.
  app.get("/visits", (request, response) => void response.json({ visits: request.session.visits ?? 0 }));
  app.post("/logout", (request, response, next) => {
    request.session.destroy((error: unknown) => (error ? next(error) : response.status(204).end()));
  });
  return app;
}
