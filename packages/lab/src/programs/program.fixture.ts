import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One of the programs as a separate process. */
export class RunningProgram {
  #log = '';
  readonly #process: ChildProcess;

  /**
   * @param program path below this directory, for example `fetch.ts`
   * @param enter a command prefix, for example to enter a network namespace
   */
  constructor(
    program: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    enter: readonly string[] = [],
  ) {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
    const [command = '', ...rest] = [...enter, process.execPath, file, ...args];
    this.#process = spawn(command, rest, {
      env: { ...inherited, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
        this.#process.emit('output');
      });
    }
  }

  get log(): string {
    return this.#log;
  }

  /** Waits until the output matches `pattern`, and returns its first group, or the whole match. */
  async saying(pattern: RegExp, timeoutMs = 100_000): Promise<string> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = pattern.exec(this.#log);
      if (found !== null) return found[1] ?? found[0];
      try {
        await once(this.#process, 'output', { signal });
      } catch {
        throw new Error(`it never logged ${String(pattern)}, only: ${this.#log}`);
      }
    }
  }

  /** Resolves to the exit status. */
  async ended(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'exit');
    return this.#process.exitCode;
  }

  /** Stops the program as a kubelet does. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    this.#process.kill(signal);
    return this.ended();
  }
}
