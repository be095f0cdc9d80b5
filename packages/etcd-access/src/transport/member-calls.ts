import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { CallFailure } from './call-failure.ts';
import { etcdErrorOf } from './call-meaning.ts';
import { type EtcdEndpoint, parseEndpoint } from './endpoint.ts';
import { callServerStream, callUnary, type GrpcCall } from './grpc-call.ts';
import { type EtcdSession, openSession, type SessionDeps } from './http2-session.ts';
import type { EtcdTls } from './tls-options.ts';

export interface MemberCallsOptions {
  readonly tls: EtcdTls | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export interface CallOptions {
  /** The call may change data, so it is never repeated. */
  readonly isWrite?: boolean;
  /** Default: true. */
  readonly needsLeader?: boolean;
  /** Default: {@link MAX_MESSAGE_BYTES}. */
  readonly maxMessageBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** Calls to single members of one cluster; each has one connection, opened on demand and reopened when lost. */
export class MemberCalls {
  readonly #options: MemberCallsOptions;
  readonly #deps: SessionDeps;
  readonly #sessions = new Map<string, Promise<EtcdSession>>();
  #isClosed = false;

  constructor(options: MemberCallsOptions, deps: SessionDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The connection to a member. @throws EtcdError when it cannot be opened; nothing was sent then */
  async session(url: string, signal?: AbortSignal): Promise<EtcdSession> {
    const endpoint = parseEndpoint(url);
    const known = this.#sessions.get(endpoint.url);
    const session = await known?.catch(() => undefined);
    if (session !== undefined && !session.http2.closed && !session.http2.destroyed) return session;
    if (this.#sessions.get(endpoint.url) !== known) return this.session(url, signal);
    const opening = this.#open(endpoint, signal);
    this.#sessions.set(endpoint.url, opening);
    return opening;
  }

  /** @throws EtcdError, or the signal's reason when nothing was sent yet or the call is read-only */
  async unary<I extends DescMessage, O extends DescMessage>(
    url: string,
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return this.unaryDecoded(url, method, request, {
      ...options,
      decode: (bytes: Uint8Array) => fromBinary(method.output, bytes),
    });
  }

  /** As {@link MemberCalls.unary}, with a custom decoder. */
  async unaryDecoded<I extends DescMessage, T>(
    url: string,
    method: DescMethodUnary<I>,
    request: MessageInitShape<I>,
    options: CallOptions & { readonly decode: (bytes: Uint8Array) => T },
  ): Promise<T> {
    const { http2 } = await this.session(url, options.signal);
    try {
      return decoded(await callUnary(http2, this.#callOf(method, request, options)), options.decode);
    } catch (error) {
      throw translated(error, url, options);
    }
  }

  async *serverStream<I extends DescMessage, O extends DescMessage>(
    url: string,
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void> {
    const { http2 } = await this.session(url, options.signal);
    try {
      for await (const message of callServerStream(http2, this.#callOf(method, request, options))) {
        yield decoded(message, (bytes) => fromBinary(method.output, bytes));
      }
    } catch (error) {
      throw translated(error, url, options);
    }
  }

  /** Closes every connection; pending calls fail. */
  close(): void {
    this.#isClosed = true;
    for (const session of this.#sessions.values()) session.then(({ http2 }) => http2.destroy()).catch(() => undefined);
    this.#sessions.clear();
  }

  async #open(endpoint: EtcdEndpoint, signal: AbortSignal | undefined): Promise<EtcdSession> {
    if (this.#isClosed) throw new Error('the client is closed');
    const { tls, connectTimeoutMs: timeoutMs } = this.#options;
    const session = await openSession({ endpoint, tls, timeoutMs, signal }, this.#deps);
    if (this.#isClosed) session.http2.destroy();
    return session;
  }

  #callOf<I extends DescMessage>(
    { parent, name, input }: DescMethodUnary<I> | DescMethodServerStreaming<I>,
    request: MessageInitShape<I>,
    { needsLeader = true, maxMessageBytes = MAX_MESSAGE_BYTES, signal }: CallOptions,
  ): GrpcCall {
    return {
      path: `/${parent.typeName}/${name}`,
      message: toBinary(input, create(input, request)),
      needsLeader,
      timeoutMs: this.#options.requestTimeoutMs,
      maxMessageBytes,
      signal,
    };
  }
}

function decoded<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes);
  } catch (cause) {
    throw new CallFailure({ kind: 'foreign', message: 'cannot decode the response', delivered: true, cause });
  }
}

function translated(error: unknown, endpoint: string, { isWrite = false, signal }: CallOptions): unknown {
  if (error instanceof CallFailure) return etcdErrorOf(error, { endpoint, isWrite });
  if (!isWrite || signal?.aborted !== true || error !== signal.reason) return error;
  const interrupted = new CallFailure({ kind: 'cut', message: 'interrupted', delivered: true, cause: error });
  return etcdErrorOf(interrupted, { endpoint, isWrite });
}
