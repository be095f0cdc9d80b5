import { assertShallow } from '../objects/object-nesting.ts';
import { type Authentication, authenticate } from './api-access.ts';
import type { Dial } from './api-dialer.ts';
import type { ApiServerAccess } from './api-server-access.ts';
import { loadClient } from './load-client.ts';
import { isRecoveryError } from '@kube-rescue/errors';
import { beyondBound, formatBytes } from './answer-bounds.ts';
import type * as ClientNode from './api-client.ts';
import { type Attempt, notAnApiServer, outcomeUnknown, refusalOf, noResponseOf } from './api-failure.ts';

export interface ApiRequest extends Attempt {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Relative to the server's address, with the query. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** JSON requests to one API server, on persistent connections. */
export class ApiRequests {
  readonly #access: ApiServerAccess;
  readonly #timeoutMs: number;
  readonly #dial: Dial | undefined;
  #connection: Promise<{ client: typeof ClientNode; authentication: Authentication }> | undefined;

  readonly #bodyBytes: number;

  constructor(access: ApiServerAccess, timeoutMs: number, bodyBytes: number, dial?: Dial) {
    this.#access = access;
    this.#timeoutMs = timeoutMs;
    this.#bodyBytes = bodyBytes;
    this.#dial = dial;
  }

  /**
   * The parsed response, unconverted: times stay strings, fields unknown to the client stay.
   * @throws ObjectError `OBJECT_ANSWER_TOO_LARGE` beyond the bound of a body, and the codes of `refusalOf` and `noResponseOf`
   */
  async send(request: ApiRequest): Promise<unknown> {
    return (await this.sendMeasured(request)).object;
  }

  /** As {@link send}, with the size of the response. */
  async sendMeasured(request: ApiRequest): Promise<{ readonly object: unknown; readonly bytes: number }> {
    request.signal?.throwIfAborted();
    this.#connection ??= this.#connect();
    const { client, authentication } = await this.#connection;
    const context = new client.RequestContext(
      `${authentication.server}${request.path}`,
      client.HttpMethod[request.method],
    );
    context.setHeaderParam('Accept', 'application/json');
    if (request.body !== undefined) {
      context.setHeaderParam('Content-Type', 'application/json');
    }
    await authentication.apply(context);
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    context.setSignal(request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]));
    const answer = await this.#exchange(context, request);
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer.status, answer.body, request);
    let parsed: unknown;
    try {
      parsed = JSON.parse(answer.body);
    } catch {
      throw refusalOf(answer.status, answer.body, request);
    }
    assertShallow(parsed, request.subject);
    return { object: parsed, bytes: answer.body.length };
  }

  /** Closes the connections and aborts pending requests. */
  async close(): Promise<void> {
    await (await this.#connection?.catch(() => undefined))?.authentication.close();
  }

  async #connect(): Promise<{ client: typeof ClientNode; authentication: Authentication }> {
    const client = await loadClient();
    return { client, authentication: await authenticate(this.#access, client, this.#dial) };
  }

  /** Not by `fetch`: that follows redirects with the client certificate, and decompresses without a bound. */
  async #exchange(context: ClientNode.RequestContext, request: ApiRequest): Promise<{ status: number; body: string }> {
    try {
      const dispatcher = context.getDispatcher();
      if (dispatcher === undefined) throw new Error('the client has no TLS configuration');
      const url = new URL(context.getUrl());
      const { statusCode, headers, body } = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: request.method,
        headers: context.getHeaders(),
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal: context.getSignal() ?? null,
      });
      try {
        const encoding = headers['content-encoding'] ?? 'identity';
        if (encoding !== 'identity') throw notAnApiServer('an answer in an encoding not asked for', request.subject);
        return { status: statusCode, body: await this.#read(body, request) };
      } finally {
        // Ends the connection when the body was not read to its end.
        body.on('error', () => undefined).destroy();
      }
    } catch (error) {
      request.signal?.throwIfAborted();
      if (isRecoveryError(error)) throw error;
      throw noResponseOf(error, request);
    }
  }

  async #read(body: AsyncIterable<Buffer>, { subject, writes }: ApiRequest): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body) {
      length += chunk.length;
      if (length > this.#bodyBytes) {
        const failure = beyondBound(subject, 'an answer without an end', formatBytes(this.#bodyBytes));
        // The request was received, so a change may have been made.
        throw writes ? outcomeUnknown(failure, subject) : failure;
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length).toString();
  }
}
