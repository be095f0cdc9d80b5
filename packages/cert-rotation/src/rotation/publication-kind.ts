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

/** One field of a ConfigMap in kube-system in which the control plane publishes a CA. */
export interface TrustPublication extends Change {
  readonly kind: 'trust.publication';
  /** For example `ConfigMap kube-system/kube-root-ca.crt`. */
  readonly target: string;
  readonly name: string;
  readonly field: string;
  readonly publisher: 'kube-controller-manager' | 'the API server';
  /** Journals store this name. */
  readonly way: ObjectSource;
}

const NAMESPACE = 'kube-system';
/** The API server reloads its files once a minute; kube-controller-manager must become leader first. */
const TIMEOUT_MS = 150_000;
const INTERVAL_MS = 1_000;
/** A component that still publishes another CA does so within this time. */
const SETTLE_MS = 4_000;

/** @param field the key of `data` */
export function trustPublication(
  { name, field, publisher }: Pick<TrustPublication, 'name' | 'field' | 'publisher'>,
  source: ObjectSource,
): TrustPublication {
  return { kind: 'trust.publication', target: `ConfigMap ${NAMESPACE}/${name}`, name, field, publisher, way: source };
}

/**
 * `trust.publication`: records the published CAs before a rotation changes the files of the publisher. Writes nothing.
 *
 * Its undo runs after all files are restored and their readers restarted: it waits until the same CAs are published again. That is
 * the exact text where kube-controller-manager writes it, which shows that it runs with the old files. The API server only adds
 * to the CAs that it publishes; so the undo removes the added ones, as often as the API server restores them, until it has
 * reloaded its file.
 */
export function createPublicationKind(
  open: OpenObjects,
  { clock }: { readonly clock: Clock },
): ChangeKind<TrustPublication> {
  return {
    kind: 'trust.publication',
    undoOrder: 'last',
    describe: ({ target, publisher }) => `record ${target}, which ${publisher} publishes`,
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

/** Restores the previous publication; returns the reason when it is not yet published, otherwise `undefined`. */
async function restore(change: TrustPublication, before: string, open: OpenObjects): Promise<string | undefined> {
  const { target, publisher } = change;
  try {
    const store = await open(change.way);
    const stored = await read(store, change);
    const text = textOf(stored, change);
    if (stored === undefined || text === undefined) return `${target} is missing`;
    const unlike = `${publisher} does not publish the former CA in ${target}`;
    if (publisher === 'kube-controller-manager') return text === before ? undefined : unlike;
    const present = parseCertificates(text, target);
    const old = parseCertificates(before, target);
    const added = present.filter((each) => hasSubjectOf(each, old) && !isAmong(each, old));
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

function hasSubjectOf(certificate: Certificate, others: readonly Certificate[]): boolean {
  return others.some((other) => isSameSubject(other, certificate));
}

function isAmong(certificate: Certificate, others: readonly Certificate[]): boolean {
  return others.some((other) => isSameCa(other, certificate));
}
