import {
  type KubernetesObject,
  type ObjectSource,
  type ObjectStore,
  type OpenObjects,
  RESOURCE_KINDS,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import type { Change, ChangeKind, UndoOutcome } from '@kube-rescue/workflow';
import {
  type Certificate,
  containsCertificates,
  encodePem,
  isSameCa,
  isSameSubject,
  parseCertificates,
} from '@kube-rescue/x509';

/** One field of a ConfigMap in kube-system in which the control plane publishes an authority by itself. */
export interface TrustPublication extends Change {
  readonly kind: 'trust.publication';
  /** For example `ConfigMap kube-system/kube-root-ca.crt`. */
  readonly target: string;
  readonly name: string;
  readonly field: string;
  readonly publisher: 'kube-controller-manager' | 'the API server';
  readonly way: ObjectSource;
}

const NAMESPACE = 'kube-system';
/** The API server reads its files again once a minute; kube-controller-manager has to be elected first. */
const TIMEOUT_MS = 150_000;
const INTERVAL_MS = 1_000;
/** Whoever publishes something else still does so at once. */
const SETTLE_MS = 4_000;

/** @param field the key of `data` */
export function trustPublication(
  { name, field, publisher }: Pick<TrustPublication, 'name' | 'field' | 'publisher'>,
  way: ObjectSource,
): TrustPublication {
  return { kind: 'trust.publication', target: `ConfigMap ${NAMESPACE}/${name}`, name, field, publisher, way };
}

/**
 * `trust.publication`: a note of what is published before a rotation changes what the publisher reads. Writes nothing.
 *
 * Undone when all files are back and whoever reads them was restarted: waits until the same is published again. That is the very
 * text where kube-controller-manager writes it, which shows that it works on the old files. The API server only ever adds to
 * what it publishes; so what it has added is taken out, as often as it puts it back, which it does until it has read its file
 * again.
 */
export function createPublicationKind(
  open: OpenObjects,
  { clock }: { readonly clock: Clock },
): ChangeKind<TrustPublication> {
  return {
    kind: 'trust.publication',
    undoOrder: 'last',
    describe: ({ target, publisher }) => `see ${target} follow, which ${publisher} writes`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async (change, _after, backup) => {
      const text = textOf(await read(await open(change.way), change), change);
      return { kept: text === undefined ? null : await backup.keep(Buffer.from(text)) };
    },
    apply: async () => undefined,
    undo: async (change, captured, backup) => {
      const { kept } = captured as { readonly kept: string | null };
      if (kept === null) return { state: 'already' };
      const old = Buffer.from(await backup.read(kept)).toString('latin1');
      return untilPublished(change, old, { open, clock });
    },
  };
}

async function untilPublished(
  change: TrustPublication,
  old: string,
  { open, clock }: { readonly open: OpenObjects; readonly clock: Clock },
): Promise<UndoOutcome> {
  const start = clock.now().getTime();
  let since: number | undefined;
  let isFirst = true;
  for (;;) {
    const reason = await restore(change, old, open);
    const now = clock.now().getTime();
    if (reason === undefined) {
      if (isFirst) return { state: 'already' };
      since ??= now;
      if (now - since >= SETTLE_MS) return { state: 'undone' };
    } else since = undefined;
    if (reason !== undefined && now - start >= TIMEOUT_MS) return { state: 'foreign', reason };
    isFirst = false;
    await clock.sleep(INTERVAL_MS);
  }
}

/** Why it is not as it was; `undefined` when it is. */
async function restore(change: TrustPublication, before: string, open: OpenObjects): Promise<string | undefined> {
  const { target, publisher } = change;
  try {
    const store = await open(change.way);
    const stored = await read(store, change);
    const text = textOf(stored, change);
    if (stored === undefined || text === undefined) return `${target} is gone`;
    const unlike = `${publisher} does not publish in ${target} what it did before`;
    if (publisher === 'kube-controller-manager') return text === before ? undefined : unlike;
    const present = parseCertificates(text, target);
    const old = parseCertificates(before, target);
    const added = present.filter((each) => isOfTheSameName(each, old) && !isAmong(each, old));
    if (added.length > 0) {
      const left = present.filter((each) => !added.includes(each));
      await store.replace(stored, withText(stored, change, left));
    }
    return added.length > 0 || !old.every((each) => isAmong(each, present)) ? unlike : undefined;
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return `${target}: ${describeError(error)}`;
  }
}

function read(store: Pick<ObjectStore, 'get'>, { name }: TrustPublication): Promise<StoredObject | undefined> {
  return store.get({ kind: RESOURCE_KINDS.ConfigMap, namespace: NAMESPACE, name });
}

function dataOf(stored: StoredObject | undefined): Readonly<Record<string, unknown>> {
  return (stored?.object['data'] ?? {}) as Readonly<Record<string, unknown>>;
}

function textOf(stored: StoredObject | undefined, { field }: TrustPublication): string | undefined {
  const text = dataOf(stored)[field];
  return typeof text === 'string' && containsCertificates(text) ? text : undefined;
}

function withText(
  stored: StoredObject,
  { field }: TrustPublication,
  certificates: readonly Certificate[],
): KubernetesObject {
  const text = certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
  return { ...stored.object, data: { ...dataOf(stored), [field]: text } };
}

function isOfTheSameName(certificate: Certificate, others: readonly Certificate[]): boolean {
  return others.some((other) => isSameSubject(other, certificate));
}

function isAmong(certificate: Certificate, others: readonly Certificate[]): boolean {
  return others.some((other) => isSameCa(other, certificate));
}
