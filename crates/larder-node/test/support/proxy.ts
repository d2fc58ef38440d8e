// A proxy between a client and a real gateway, which does to requests what networks do.

import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a request. */
export type Fault =
  /** It goes through. */
  | "none"
  /** It is carried out, and the connection breaks before its reply. */
  | "lose-reply"
  /** It is carried out, and the reply breaks off in the middle. */
  | "cut-reply"
  /** The connection breaks before it is passed on. */
  | "lose-request"
  /** It is carried out, and the reply never comes. */
  | "hang"
  /** It is not passed on, and this is the reply. */
  | { status: number; headers?: Record<string, string>; body: string };

/** A request that came. */
export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
}

export class Proxy {
  /** Where it listens. */
  readonly url: string;
  /** What came, in order. */
  readonly seen: Seen[] = [];
  /** What becomes of the next requests, one after the other; then all go through. */
  faults: Fault[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(gateway: string): Promise<Proxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new Proxy(server);
    server.on("request", (request, response) => void proxy.#pass(gateway, request, response));
    return proxy;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(gateway: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.seen.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers });
    const fault = this.faults.shift() ?? "none";
    const chunks = await request.toArray();
    if (typeof fault === "object") {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    if (fault === "lose-request") {
      request.socket.destroy();
      return;
    }
    const target = new URL(request.url ?? "/", gateway);
    const headers = { ...request.headers, host: target.host };
    const passed = send(target, { method: request.method, headers });
    passed.end(Buffer.concat(chunks));
    const [reply] = (await once(passed, "response")) as [IncomingMessage];
    const body = Buffer.concat(await reply.toArray());
    if (fault === "hang") return;
    if (fault === "lose-reply") {
      request.socket.destroy();
      return;
    }
    response.writeHead(reply.statusCode ?? 500, reply.headers);
    if (fault === "none") {
      response.end(body);
      return;
    }
    response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
  }
}

/** The body of a gateway's error. */
export function problem(error: string, statusCode: number): string {
  return JSON.stringify({ error, message: "why", statusCode, validationErrors: [], requestId: "1" });
}
