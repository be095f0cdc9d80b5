import type { Readable } from 'node:stream';

/** Held for the reader before the stream is told to pause; what is on its way already still comes. */
const PAUSE_BYTES = 1024 * 1024;

/**
 * The chunks of a stream for a reader that asks for them, as they came.
 *
 * A stream's own iterator joins whatever has come into one new Buffer, again and again: at the speed of a snapshot that is
 * hundreds of megabytes of garbage.
 */
export class StreamQueue {
  readonly #stream: Readable;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      if (this.#bytes > PAUSE_BYTES) stream.pause();
      this.#wake?.();
    });
    stream.once('close', () => {
      this.#isEnded = true;
      this.#wake?.();
    });
  }

  /** Whoever takes, now or next, gets this error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** Everything that has come since, at least one chunk; `undefined` when the stream is closed and all of it was taken. */
  async take(): Promise<readonly Buffer[] | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#chunks.length > 0) break;
      if (this.#isEnded) return undefined;
      this.#stream.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    return chunks;
  }
}
