import { Endpoint, type EndpointOptions } from "../http/endpoint.js";
import { Requester } from "../http/requester.js";
import { Database } from "./database.js";

/** Where the gateway is, and how it is asked. */
export interface ClientOptions extends Omit<EndpointOptions, "url"> {
  /** The gateway: `https://…`. */
  baseUrl: string | URL;
}

/** The client of a gateway's plain API. */
export interface Client {
  /** Key-value storage and serverless scripts. */
  readonly database: Database;
}

/**
 * A client of a gateway's plain API: JSON values, lifetimes in seconds, and results instead of exceptions.
 *
 * ```ts
 * const sdk = createClient({ baseUrl: "https://gateway.example", apiKey })
 * const result = await sdk.database.scanData({ key: "user:123" })
 * if (result.ok) console.log(result.val.value)
 * else console.log(result.val.error)
 * ```
 *
 * @throws `NotConfigured` for options that cannot be used.
 */
export function createClient({ baseUrl, ...options }: ClientOptions): Client {
  return { database: new Database(new Requester(new Endpoint({ ...options, url: baseUrl }))) };
}
