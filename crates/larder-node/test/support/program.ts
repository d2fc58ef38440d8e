// The program `larder`, run as its users run it.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** Where the program is: `npm test` builds it, and says so. */
export const PROGRAM = required("LARDER_PROGRAM");

/** A variable that must be set. Nothing is skipped where it is not. */
export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; run the tests by cargo xtask test, or npm test`);
  return value;
}

const directories: string[] = [];

// When the process ends: what it opened is closed by then, and a test that failed leaves nothing either.
process.on("exit", () => {
  for (const one of directories) rmSync(one, { recursive: true, force: true });
});

/** A directory of a test's own, for as long as the test's process lives. */
export function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "larder-node-"));
  directories.push(made);
  return made;
}

/** Runs the program to its end, which must be a good one; returns what it printed. */
export async function larder(args: string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(PROGRAM, args, { cwd, env: { ...process.env, ...env } });
  return stdout;
}

/** Runs a script in a process of its own to its end, which must be a good one and come in time; returns what it printed. */
export async function printedBy(kind: "cjs" | "mjs", source: string, timeout = 20_000): Promise<string> {
  const script = join(directory(), `script.${kind}`);
  writeFileSync(script, source);
  return (await promisify(execFile)(process.execPath, [script], { timeout })).stdout;
}

/** A gateway that runs. */
export class Gateway {
  /** Where it listens. */
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.#process = process;
  }

  /** Starts `larder serve` on a free port, and waits until it listens. */
  static async start(args: string[], cwd: string, env: Record<string, string> = {}): Promise<Gateway> {
    const all = ["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "-o", "json", ...args];
    const child = spawn(PROGRAM, all, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await Promise.race([
      once(createInterface(child.stdout), "line"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`larder serve ended with ${code}`))),
    ])) as [string];
    return new Gateway((JSON.parse(line) as { listening: string }).listening, child);
  }

  /** Ends it. */
  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
  }
}
