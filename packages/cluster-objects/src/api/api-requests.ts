import type * as ClientNode from '@kubernetes/client-node';
import type { ObjectReference } from '../object-store.ts';
import type { ResourceKind } from '../objects/resource-kind.ts';
import { assertShallow } from '../objects/object-nesting.ts';
import { type ApiServerAccess, type Authentication, authenticate } from './api-access.ts';
import type { Dial } from './api-dialer.ts';
import { type Attempt, refusalOf, noResponseOf } from './api-failure.ts';

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

  constructor(access: ApiServerAccess, timeoutMs: number, dial?: Dial) {
    this.#access = access;
    this.#timeoutMs = timeoutMs;
    this.#dial = dial;
  }

  /** The parsed response, unconverted: times stay strings, fields unknown to the client stay. */
  async send(request: ApiRequest): Promise<unknown> {
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
      context.setBody(JSON.stringify(request.body));
    }
    await authentication.apply(context);
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    context.setSignal(request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]));
    const answer = await this.#exchange(client, context, request);
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer.status, answer.body, request);
    let parsed: unknown;
    try {
      parsed = JSON.parse(answer.body);
    } catch {
      throw refusalOf(answer.status, answer.body, request);
    }
    assertShallow(parsed, request.subject);
    return parsed;
  }

  /** Closes the connections and aborts pending requests. */
  async close(): Promise<void> {
    await (await this.#connection?.catch(() => undefined))?.authentication.close();
  }

  async #connect(): Promise<{ client: typeof ClientNode; authentication: Authentication }> {
    // Half a second to load; a recovery through etcd never needs it.
    const client = await import('@kubernetes/client-node');
    return { client, authentication: await authenticate(this.#access, client, this.#dial) };
  }

  async #exchange(
    client: typeof ClientNode,
    context: ClientNode.RequestContext,
    request: ApiRequest,
  ): Promise<{ status: number; body: string }> {
    try {
      const response = await new client.IsomorphicFetchHttpLibrary().send(context).toPromise();
      return { status: response.httpStatusCode, body: await response.body.text() };
    } catch (error) {
      request.signal?.throwIfAborted();
      throw noResponseOf(error, request);
    }
  }
}

/** `/apis/apps/v1/namespaces/NS/deployments`, or without the namespace for all of them. */
export function collectionPath(kind: ResourceKind, namespace: string | undefined): string {
  const root = kind.group === '' ? '/api' : `/apis/${encodeURIComponent(kind.group)}`;
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${encodeURIComponent(kind.version)}${within}/${encodeURIComponent(kind.resource)}`;
}

export function objectPath({ kind, namespace, name }: ObjectReference): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}
