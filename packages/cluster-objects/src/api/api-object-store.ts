import { isRecoveryError } from '@kube-rescue/errors';
import { isDeepStrictEqual } from 'node:util';
import { ObjectError } from '../errors.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { assertNoFinalizers, objectNotFound, referenceOf } from '../objects/object-failures.ts';
import { fieldsAt, textAt } from '../objects/object-fields.ts';
import { assertSameIdentity } from '../objects/object-identity.ts';
import { assertValidNamespace, assertValidReference, describeReference } from '../objects/object-name.ts';
import type {
  ObjectListOptions,
  ObjectReadOptions,
  ObjectReference,
  ObjectStore,
  ObjectWriteOptions,
  StoredObject,
} from '../object-store.ts';
import { collectionPath, objectPath } from '../objects/object-path.ts';
import { assertWellFormed } from '../objects/object-shape.ts';
import { apiVersionOf, type ResourceKind } from '../objects/resource-kind.ts';
import type { Dial } from './api-dialer.ts';
import type { ApiServerAccess } from './api-server-access.ts';
import { ANSWER_BOUNDS, type AnswerBounds, ListMeter } from './answer-bounds.ts';
import { notAnApiServer } from './api-failure.ts';
import { type ApiRequest, ApiRequests } from './api-requests.ts';

/** The objects of a cluster, through its API server. */
export interface ApiObjectStore extends ObjectStore {
  /** Closes its connections. */
  close(): Promise<void>;
}

export interface ApiServerOptions {
  /** For each request, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Opens every connection; `connect` of a `Host`. Default: this machine connects. */
  readonly dial?: Dial | undefined;
  /** Default: {@link ANSWER_BOUNDS}. */
  readonly bounds?: Partial<AnswerBounds> | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const PAGE_SIZE = 500;
/** A page beyond the bound of a body is asked for again in so many parts. */
const PAGE_PARTS = 8;

/**
 * The objects of an API server. Connects and loads the client library, an optional peer dependency, with the first request.
 *
 * Replaces by `resourceVersion`, so a concurrent change is never overwritten. Errors quote no values of objects.
 */
export function connectApiServer(access: ApiServerAccess, options: ApiServerOptions = {}): ApiObjectStore {
  const bounds = { ...ANSWER_BOUNDS, ...options.bounds };
  const requests = new ApiRequests(access, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, bounds.bodyBytes, options.dial);
  return new ApiServerObjectStore(requests, bounds);
}

class ApiServerObjectStore implements ApiObjectStore {
  readonly name = 'API server';
  readonly #requests: ApiRequests;
  readonly #bounds: AnswerBounds;

  constructor(requests: ApiRequests, bounds: AnswerBounds) {
    this.#requests = requests;
    this.#bounds = bounds;
  }

  async get(reference: ObjectReference, { signal }: ObjectReadOptions = {}): Promise<StoredObject | undefined> {
    assertValidReference(reference);
    const subject = describeReference(reference);
    try {
      const answer = await this.#requests.send({
        method: 'GET',
        path: objectPath(reference),
        subject,
        writes: false,
        signal,
      });
      const stored = storedObject(reference.kind, answer, subject);
      if (!isSame(stored, reference)) throw unreadable('another object', subject);
      return stored;
    } catch (error) {
      if (isRecoveryError(error, 'OBJECT_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async *list(kind: ResourceKind, options: ObjectListOptions = {}): AsyncIterable<StoredObject> {
    const { namespace, signal, onUnreadable } = options;
    assertValidNamespace(kind, namespace);
    const names = new Set<string>();
    const collection = collectionPath(kind, namespace);
    const subject = kind.resource;
    const meter = new ListMeter(subject, this.#bounds);
    const report = onUnreadable && countedFailures(onUnreadable, meter);
    let token = '';
    let limit = PAGE_SIZE;
    do {
      const startedAt = performance.now();
      const query = new URLSearchParams({ limit: String(limit), ...(token === '' ? {} : { continue: token }) });
      const path = `${collection}?${query.toString()}`;
      const page = await this.#page({ method: 'GET', path, subject, writes: false, signal }, limit);
      if (page === undefined) {
        limit = Math.ceil(limit / PAGE_PARTS);
        continue;
      }
      const items = itemsOf(page.object, subject);
      meter.addPage({ objects: items.length, bytes: page.bytes, ms: performance.now() - startedAt });
      for (const item of items) {
        const stored = listedObject(kind, item, names, { namespace, onUnreadable: report });
        if (stored !== undefined) yield stored;
      }
      const next = textAt(fieldsAt(page.object, 'metadata'), 'continue') ?? '';
      if (next === '') return;
      if (meter.isRepeated(next)) throw unreadable('the same page of a list repeatedly', subject);
      token = next;
    } while (true);
  }

  async create(kind: ResourceKind, object: KubernetesObject, options: ObjectWriteOptions = {}): Promise<StoredObject> {
    const { name, namespace } = object.metadata;
    const reference = { kind, name, namespace };
    assertValidReference(reference);
    const { resourceVersion: _ignored, ...metadata } = object.metadata;
    const answer = await this.#requests.send({
      method: 'POST',
      path: collectionPath(kind, namespace),
      body: { ...object, metadata },
      subject: describeReference(reference),
      writes: true,
      signal: options.signal,
    });
    return storedObject(kind, answer, describeReference(reference));
  }

  async replace(read: StoredObject, object: KubernetesObject, options: ObjectWriteOptions = {}): Promise<StoredObject> {
    const reference = referenceOf(read);
    const subject = describeReference(reference);
    assertSameIdentity(read, object);
    const metadata = { ...object.metadata, resourceVersion: read.revision };
    const answer = await this.#replacing(reference, {
      method: 'PUT',
      path: `${objectPath(reference)}${subresourceFor(read, object, subject)}`,
      body: { ...object, metadata },
      subject,
      writes: true,
      signal: options.signal,
    });
    return storedObject(read.kind, answer, subject);
  }

  async delete(read: StoredObject, options: ObjectWriteOptions = {}): Promise<void> {
    assertNoFinalizers(read);
    const reference = referenceOf(read);
    const subject = describeReference(reference);
    const preconditions = { uid: read.object.metadata.uid, resourceVersion: read.revision };
    await this.#requests.send({
      method: 'DELETE',
      path: objectPath(reference),
      body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions, propagationPolicy: 'Background' },
      subject,
      writes: true,
      signal: options.signal,
    });
  }

  async close(): Promise<void> {
    await this.#requests.close();
  }

  /** `undefined` when the page is too large, and has more than one object. */
  async #page(
    request: ApiRequest,
    limit: number,
  ): Promise<{ readonly object: unknown; readonly bytes: number } | undefined> {
    try {
      return await this.#requests.sendMeasured(request);
    } catch (error) {
      if (limit > 1 && isRecoveryError(error, 'OBJECT_ANSWER_TOO_LARGE')) return undefined;
      throw error;
    }
  }

  async #replacing(reference: ObjectReference, request: ApiRequest): Promise<unknown> {
    try {
      return await this.#requests.send(request);
    } catch (error) {
      // The API server reports a deleted object as a conflict.
      const isGone =
        isRecoveryError(error, 'OBJECT_CONFLICT') &&
        (await this.get(reference, { signal: request.signal })) === undefined;
      throw isGone ? objectNotFound(reference) : error;
    }
  }
}

/** The API server ignores the status in an update of the object, so the status must be changed alone. */
function subresourceFor({ object: before }: StoredObject, after: KubernetesObject, subject: string): string {
  if (isDeepStrictEqual(before.status, after.status)) return '';
  if (isDeepStrictEqual({ ...before, status: undefined }, { ...after, status: undefined })) {
    return before.kind === 'CertificateSigningRequest' && !issues(before, after) ? '/approval' : '/status';
  }
  throw new ObjectError({
    code: 'OBJECT_FIELD_UNSUPPORTED',
    message: 'status and other fields cannot be changed in one update',
    subject,
    hint: 'change the status in a separate replace',
  });
}

/** Whether the edit issues the certificate; any other change of a request's status is its approval. */
function issues(before: KubernetesObject, after: KubernetesObject): boolean {
  const certificateOf = ({ status }: KubernetesObject): unknown =>
    (status as { certificate?: string } | undefined)?.certificate;
  return certificateOf(before) !== certificateOf(after);
}

/** The items of a page; a server written in Go may send `null` for an empty list. */
function itemsOf(page: unknown, subject: string): readonly object[] {
  const { items } = fieldsAt(page);
  const isList = textAt(page, 'kind')?.endsWith('List') === true && (Array.isArray(items) || items === null);
  if (!isList) throw unreadable('something other than a list', subject);
  return (items ?? []).map((item: unknown) => fieldsAt(item));
}

function storedObject(kind: ResourceKind, answer: unknown, subject: string): StoredObject {
  const metadata = fieldsAt(answer, 'metadata');
  const revision = textAt(metadata, 'resourceVersion');
  if (revision === undefined || textAt(metadata, 'name') === undefined || textAt(answer, 'kind') !== kind.kind) {
    throw unreadable('something other than the object', subject);
  }
  assertWellFormed(answer, kind);
  return { kind, object: answer, revision, partial: false, origin: undefined };
}

/** One item of a list; `undefined` for a reported unreadable one. One odd object does not end the listing. */
function listedObject(
  kind: ResourceKind,
  item: object,
  names: Set<string>,
  { namespace, onUnreadable }: ObjectListOptions,
): StoredObject | undefined {
  try {
    // Items of a list do not repeat the kind.
    const answer = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...item };
    const stored = storedObject(kind, answer, kind.resource);
    const name = describeReference(referenceOf(stored));
    if (names.has(name)) throw unreadable('the same object twice', name);
    names.add(name);
    if (namespace !== undefined && stored.object.metadata.namespace !== namespace) {
      throw unreadable('an object of another namespace', name);
    }
    return stored;
  } catch (error) {
    if (onUnreadable === undefined || !isRecoveryError(error)) throw error;
    onUnreadable(error);
    return undefined;
  }
}

function countedFailures(report: (failure: Error) => void, meter: ListMeter): (failure: Error) => void {
  return (failure) => {
    meter.addFailure();
    report(failure);
  };
}

function isSame({ object: { metadata } }: StoredObject, { name, namespace }: ObjectReference): boolean {
  return metadata.name === name && (metadata.namespace ?? undefined) === namespace;
}

function unreadable(what: string, subject: string): ObjectError {
  return notAnApiServer(what, subject);
}
