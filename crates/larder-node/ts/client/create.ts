import { Endpoint, type EndpointOptions, unfit } from "../http/endpoint.js";
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
export function createClient(options: ClientOptions): Client {
  // Under another name it would be taken for nothing, or for the other one.
  if (typeof options !== "object" || options === null || options.baseUrl === undefined || "url" in options) {
    throw unfit("the options are an object with a baseUrl");
  }
  const { baseUrl, ...others } = options;
  return { database: new Database(new Requester(new Endpoint({ ...others, url: baseUrl }))) };
}
