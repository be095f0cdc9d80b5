import type { KubernetesObject, ObjectStore, ResourceKind, StoredObject } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { containsCertificates, isSameCa } from '@kube-rescue/x509';
import { type CaExchange, exchangeCa } from './ca-exchange.ts';
import { type BootstrapToken, isWronglySigned, readBootstrapToken, withSignatures } from './bootstrap-signatures.ts';
import { findKeyField } from './key-matching.ts';
import { exchangeEmbedded, hasEmbeddedCa } from './kubeconfig-text.ts';
import { type ObjectField, readFields, withField } from './object-fields.ts';
import { KINDS_WITH_CERTIFICATES } from './object-inventory.ts';
import { describeOwner, describeLocation, locationIn, type Readable } from './object-location.ts';

/** One object as it was read and as it is to be. */
export interface ObjectEdit {
  readonly read: StoredObject;
  readonly edited: KubernetesObject;
  /** What becomes of it, a line each, without key material. */
  readonly edits: readonly string[];
}

/** A place that holds the old authority and is not changed. */
export interface Skipped {
  /** For example `Secret default/app ca.crt`. */
  readonly place: string;
  readonly reason: string;
}

export interface TrustSweep {
  readonly edits: readonly ObjectEdit[];
  readonly leftAlone: readonly Skipped[];
}

/** What sweeping one object takes. */
export interface SweepOptions {
  readonly exchange: CaExchange;
  /** The tokens that sign `cluster-info`. */
  readonly tokens: readonly BootstrapToken[];
  /**
   * Also in Secrets and ConfigMaps that belong to workloads, in any key; their owners may put back what they had. Default:
   * false, they are told of as left alone.
   */
  readonly everywhere?: boolean | undefined;
}

export interface TrustSweepInput extends Omit<SweepOptions, 'tokens'> {
  readonly store: Pick<ObjectStore, 'list'>;
  readonly now: Date;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Plans the edits by which the cluster's objects trust the replacement where they trusted the old authority: `ca.crt` of
 * service accounts, `kube-root-ca.crt`, `cluster-info` with its signatures, `extension-apiserver-authentication`, and those
 * caBundles that hold this very authority. Other certificates in a bundle stay. Reads only.
 *
 * An immutable object and one that cannot be read are left alone, and told of.
 * @throws ObjectError when a kind cannot be listed
 */
export async function planTrustSweep({ store, now, signal, ...options }: TrustSweepInput): Promise<TrustSweep> {
  const { RESOURCE_KINDS } = await import('@kube-rescue/cluster-objects');
  const edits: ObjectEdit[] = [];
  const leftAlone: Skipped[] = [];
  // Secrets come first, so the tokens are known when cluster-info is reached.
  const tokens: BootstrapToken[] = [];
  for (const name of KINDS_WITH_CERTIFICATES) {
    const kind: ResourceKind = RESOURCE_KINDS[name];
    const onUnreadable = (failure: Error): void => {
      if (!isRecoveryError(failure)) throw failure;
      leftAlone.push({ place: failure.subject ?? name, reason: failure.message });
    };
    for await (const read of store.list(kind, { signal, onUnreadable })) {
      const token = name === 'Secret' ? readBootstrapToken(read.object, now) : undefined;
      if (token !== undefined) tokens.push(token);
      const swept = sweepObject(read, { ...options, tokens });
      if (swept.edits.length > 0) edits.push({ read, edited: swept.edited, edits: swept.edits });
      leftAlone.push(...swept.leftAlone);
    }
  }
  return { edits, leftAlone };
}

/** One object as it is to be; `edits` is empty when it stays as it is. Pure. */
export function sweepObject(
  read: Readable,
  { exchange, tokens, everywhere = false }: SweepOptions,
): Pick<ObjectEdit, 'edited' | 'edits'> & Pick<TrustSweep, 'leftAlone'> {
  const fields = readFields(read);
  const siblings = new Map(fields.map((field) => [field.key, field]));
  const edits: string[] = [];
  const leftAlone: Skipped[] = [];
  let edited = read.object;
  for (const field of fields) {
    const place = describeLocation(locationIn(read, field.key));
    const text = exchangedText(field, exchange, place);
    if (text.reason !== undefined) leftAlone.push({ place, reason: text.reason });
    if (text.exchanged === undefined) continue;
    const reason = obstacle(read.object, field, { siblings, exchange, everywhere });
    if (reason === undefined) {
      edited = withField(edited, field, Buffer.from(text.exchanged, 'latin1'));
      edits.push(`${field.key}: the old authority replaced by ${count(exchange.replacement.length)}`);
    } else leftAlone.push({ place, reason });
  }
  if (isClusterInfo(read) && (edits.length > 0 || isWronglySigned(edited, tokens)) && read.object.immutable !== true) {
    edited = withSignatures(edited, tokens);
    edits.push(`signed by ${tokens.length} bootstrap token${tokens.length === 1 ? '' : 's'}`);
  }
  return { edited, edits, leftAlone };
}

/** Empty when the field stays as it is. */
function exchangedText(
  { bytes, isExpected }: ObjectField,
  exchange: CaExchange,
  place: string,
): { readonly exchanged?: string; readonly reason?: string } {
  const text = Buffer.from(bytes).toString('latin1');
  try {
    const exchanged = containsCertificates(text)
      ? exchangeCa(text, exchange, place)
      : hasEmbeddedCa(text)
        ? exchangeEmbedded(text, (pem) => exchangeCa(pem, exchange, place))
        : text;
    return exchanged === text ? {} : { exchanged };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return isExpected ? { reason: error.message } : {};
  }
}

/** Why a field that holds the old authority is not changed all the same. */
function obstacle(
  object: KubernetesObject,
  field: ObjectField,
  context: Pick<SweepOptions, 'exchange' | 'everywhere'> & { readonly siblings: ReadonlyMap<string, ObjectField> },
): string | undefined {
  const isSystem = field.purpose !== undefined && field.purpose !== 'identity';
  if (!isSystem && context.everywhere !== true) return 'it belongs to a workload';
  if (object.immutable === true) return 'it is immutable: delete it and create it anew';
  const { old, replacement } = context.exchange;
  // Whoever signs with it takes the first certificate, which must be the one of the key.
  const isSameKey = replacement.length === 1 && isSameCa(replacement[0], old);
  const isWithKey = !isSystem && findKeyField(field, context.siblings) !== undefined;
  return isWithKey && !isSameKey ? 'the key of the old authority lies beside it' : undefined;
}

function isClusterInfo(read: Readable): boolean {
  return describeOwner(locationIn(read, '')) === 'ConfigMap kube-public/cluster-info';
}

function count(certificates: number): string {
  return certificates === 1 ? 'one certificate' : `${certificates} certificates`;
}
