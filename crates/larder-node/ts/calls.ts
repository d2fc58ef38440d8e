import { LarderError } from "./errors.js";
import type { Transport } from "./transport.js";

/**
 * The calls on a transport. It is closed when none can begin any more, and those that have begun are done: a batch with all
 * its parts. Where there is nothing to close, nobody waits for them: runtimes that freeze between requests drop calls, and
 * those never end.
 */
export class Calls {
  readonly #binding: string;
  readonly #transport: Transport;
  #underWay = 0;
  #closed: Promise<void> | undefined;
  #done = () => {};

  constructor(binding: string, transport: Transport) {
    this.#binding = binding;
    this.#transport = transport;
  }

  /**
   * The transport, for a call that begins now.
   *
   * @throws `InvalidInput` if it was closed, or is about to be.
   */
  open(): Transport {
    if (this.#closed !== undefined) {
      throw new LarderError("InvalidInput", "the handle was disposed of; load the binding again", {
        binding: this.#binding,
      });
    }
    return this.#transport;
  }

  /** Runs a call from its beginning to its end. */
  async run<T>(call: (transport: Transport) => Promise<T>): Promise<T> {
    const transport = this.open();
    this.began();
    try {
      return await call(transport);
    } finally {
      this.ended();
    }
  }

  /** A call has begun that is not run from here. */
  began(): void {
    this.#underWay += 1;
  }

  /** It is done. */
  ended(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#done();
  }

  /** Lets no call begin, and closes the transport behind the last one. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (!this.#transport.hasToClose) return;
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#done = resolve));
    await this.#transport.close();
  }
}
