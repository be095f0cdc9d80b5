import type { Readable } from 'node:stream';

/** Buffered bytes before the stream is paused; bytes in flight still arrive. */
const PAUSE_BYTES = 1024 * 1024;

/**
 * The chunks of a stream, unjoined, for a pulling reader.
 *
 * A stream's own iterator joins received chunks into a new Buffer each time: at the speed of a snapshot that is hundreds of
 * megabytes of garbage.
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

  /** The pending or next `take` rejects with this error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** All chunks received since the last call, at least one; `undefined` at the end of the stream. */
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
