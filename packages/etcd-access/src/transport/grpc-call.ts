import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { CallFailure } from './call-failure.ts';
import { frameMessage, MessageReader } from './grpc-message.ts';
import { StreamQueue } from './stream-queue.ts';

export interface GrpcCall {
  /** `/etcdserverpb.KV/Range` */
  readonly path: string;
  readonly message: Uint8Array;
  /** Fail at once without a leader, instead of waiting for one. */
  readonly needsLeader: boolean;
  /**
   * Unary: for the whole response. Streaming: for each further chunk, while the reader waits for it, and for all waiting
   * together, plus a second for each {@link SLOWEST_BYTES_PER_SECOND}.
   */
  readonly timeoutMs: number;
  readonly maxMessageBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** A slower stream counts as one that never ends. */
const SLOWEST_BYTES_PER_SECOND = 32 * 1024;
/** etcd sends 32 KiB in each message of a stream; a stream of nearly empty messages never ends. */
const SMALLEST_MESSAGE_BYTES = 512;
const FREE_MESSAGES = 1000;
const OK = '0';
const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** One request, one response. @throws CallFailure, or the signal's reason */
export async function callUnary(session: ClientHttp2Session, call: GrpcCall): Promise<Uint8Array> {
  const exchange = startCall(session, call, { 'grpc-timeout': `${call.timeoutMs}m` });
  const messages: Uint8Array[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      exchange.onFailure(reject);
      exchange.stream.on('data', (chunk: Buffer) => {
        try {
          messages.push(...exchange.reader.push(chunk));
          // Further messages, even empty ones, would fill the memory until the deadline.
          if (messages.length > 1) reject(foreign('the server sends several responses to one request'));
        } catch (error) {
          reject(error);
        }
      });
      exchange.stream.once('close', resolve);
    });
    exchange.assertSucceeded();
  } finally {
    exchange.end();
  }
  const [message] = messages;
  if (message === undefined) throw foreign('the server sent no response to a request');
  return message;
}

/** One request, a stream of responses with backpressure. @throws CallFailure, or the signal's reason */
export async function* callServerStream(session: ClientHttp2Session, call: GrpcCall): AsyncGenerator<Uint8Array, void> {
  const exchange = startCall(session, call, {});
  try {
    // A stream without a reader is paused, and a paused stream stops the server after a window of bytes.
    const queue = new StreamQueue(exchange.stream);
    exchange.onFailure((error) => queue.fail(error));
    let waitedMs = 0;
    let bytes = 0;
    let count = 0;
    for (;;) {
      const startedAt = performance.now();
      exchange.startTimer();
      const chunks = await queue.take();
      exchange.stopTimer();
      if (chunks === undefined) break;
      waitedMs += performance.now() - startedAt;
      for (const chunk of chunks) {
        bytes += chunk.length;
        for (const message of exchange.reader.push(chunk)) {
          count += 1;
          yield message;
        }
      }
      if (waitedMs > call.timeoutMs + (1000 * bytes) / SLOWEST_BYTES_PER_SECOND) throw dripping(call, bytes);
      if (count > FREE_MESSAGES + bytes / SMALLEST_MESSAGE_BYTES) {
        throw foreign(`the server sends a stream of ${count} messages with ${bytes} bytes`);
      }
    }
    exchange.assertSucceeded();
  } finally {
    exchange.end();
  }
}

interface Exchange {
  readonly stream: ClientHttp2Stream;
  readonly reader: MessageReader;
  /** Reports the first failure: cut, cancelled, late, not gRPC. */
  onFailure(listener: (error: unknown) => void): void;
  startTimer(): void;
  stopTimer(): void;
  /** @throws CallFailure unless the server ended the stream with status 0 */
  assertSucceeded(): void;
  end(): void;
}

function startCall(session: ClientHttp2Session, call: GrpcCall, more: OutgoingHttpHeaders): Exchange {
  call.signal?.throwIfAborted();
  if (session.closed || session.destroyed) throw cut('the connection is closed', { delivered: false });
  const stream = session.request({ ...headersOf(call), ...more });
  const reader = new MessageReader(call.maxMessageBytes);
  let trailers: IncomingHttpHeaders | undefined;
  let failure: { readonly error: unknown } | undefined;
  let listener: ((error: unknown) => void) | undefined;
  const fail = (error: unknown): void => {
    if (failure !== undefined || trailers !== undefined) return;
    failure = { error };
    listener?.(error);
  };
  const late = (): void => {
    fail(new CallFailure({ kind: 'timeout', message: `no response within ${call.timeoutMs} ms`, delivered: true }));
  };
  let timer = setTimeout(late, call.timeoutMs);
  const abort = (): void => fail(call.signal?.reason as unknown);
  call.signal?.addEventListener('abort', abort, { once: true });

  stream.once('response', (headers) => {
    // A call that fails at once has its status in the headers.
    if (headers['grpc-status'] !== undefined) trailers = headers;
    else if (headers[':status'] !== 200 || !isGrpc(headers))
      fail(foreign(`the server responds with HTTP ${headers[':status']}`));
  });
  stream.once('trailers', (headers) => {
    if (failure === undefined) trailers = headers as IncomingHttpHeaders;
  });
  stream.on('error', (cause: Error) => fail(cut(cause.message, { delivered: !isRefused(stream), cause })));
  stream.once('close', () => fail(cut('the connection was lost', { delivered: !isRefused(stream) })));
  stream.end(frameMessage(call.message));

  return {
    stream,
    reader,
    onFailure: (each) => {
      listener = each;
      if (failure !== undefined) each(failure.error);
    },
    startTimer: () => {
      clearTimeout(timer);
      timer = setTimeout(late, call.timeoutMs);
    },
    stopTimer: () => clearTimeout(timer),
    assertSucceeded: () => {
      if (failure !== undefined) throw failure.error;
      if (trailers === undefined) throw cut('the response ended early', { delivered: true });
      assertOk(trailers);
      if (!reader.isComplete) throw foreign('the response ended in the middle of a message');
    },
    end: () => {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', abort);
      if (!stream.closed && !stream.destroyed) stream.close(NGHTTP2_CANCEL);
    },
  };
}

function headersOf({ path, needsLeader }: GrpcCall): OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'kube-rescue',
    ...(needsLeader ? { hasleader: 'true' } : {}),
  };
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/grpc') === true;
}

function assertOk(trailers: IncomingHttpHeaders): void {
  const status = String(trailers['grpc-status'] ?? '');
  if (status === OK) return;
  if (!/^\d{1,3}$/.test(status)) throw foreign('the response has no gRPC status');
  const text = String(trailers['grpc-message'] ?? '');
  throw new CallFailure({ kind: 'status', status: Number(status), message: decodeMessage(text), delivered: true });
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The server did not process the request: RFC 9113, section 8.7. */
function isRefused(stream: ClientHttp2Stream): boolean {
  return stream.rstCode === NGHTTP2_REFUSED_STREAM;
}

function cut(message: string, { delivered, cause }: { delivered: boolean; cause?: unknown }): CallFailure {
  return new CallFailure({ kind: 'cut', message, delivered, cause });
}

function dripping({ timeoutMs }: GrpcCall, bytes: number): CallFailure {
  const message = `only ${bytes} bytes, less than ${SLOWEST_BYTES_PER_SECOND} a second, after ${timeoutMs} ms`;
  return new CallFailure({ kind: 'timeout', message, delivered: true });
}

function foreign(message: string): CallFailure {
  return new CallFailure({ kind: 'foreign', message, delivered: true });
}
