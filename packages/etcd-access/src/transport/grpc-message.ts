import { CallFailure } from './call-failure.ts';

/** One byte for compression, four for the length: gRPC over HTTP/2, "Length-Prefixed-Message". */
const PREFIX_BYTES = 5;

/** The wire format of a message. */
export function frameMessage(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/**
 * Reassembles the messages of one stream.
 *
 * Memory for a message is allocated once; its length is known from its first bytes and limited.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixFilled = 0;
  #body: Buffer | undefined;
  #bodyFilled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True between two messages. */
  get isComplete(): boolean {
    return this.#prefixFilled === 0;
  }

  /** Consumes the next bytes; returns the completed messages. @throws CallFailure `too-large` `foreign` */
  push(chunk: Buffer): readonly Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (let at = 0; at < chunk.length || this.#isBodyComplete(); ) {
      if (this.#body === undefined) {
        at += this.#fillPrefix(chunk, at);
        continue;
      }
      const copied = chunk.copy(this.#body, this.#bodyFilled, at);
      this.#bodyFilled += copied;
      at += copied;
      if (!this.#isBodyComplete()) continue;
      // Not the Buffer: its `slice` does not copy.
      messages.push(new Uint8Array(this.#body.buffer));
      this.#body = undefined;
      this.#bodyFilled = 0;
      this.#prefixFilled = 0;
    }
    return messages;
  }

  #isBodyComplete(): boolean {
    return this.#body !== undefined && this.#bodyFilled === this.#body.length;
  }

  #fillPrefix(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#prefix, this.#prefixFilled, at);
    this.#prefixFilled += copied;
    if (this.#prefixFilled < PREFIX_BYTES) return copied;
    if (this.#prefix[0] !== 0) {
      throw new CallFailure({ kind: 'foreign', message: 'the server sends unrequested compression', delivered: true });
    }
    const length = this.#prefix.readUInt32BE(1);
    if (length > this.#maxBytes) {
      const message = `the response has ${length} bytes, ${this.#maxBytes} are allowed`;
      throw new CallFailure({ kind: 'too-large', message, delivered: true });
    }
    this.#body = Buffer.allocUnsafeSlow(length);
    return copied;
  }
}
