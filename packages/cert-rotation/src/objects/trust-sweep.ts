import type { KubernetesObject, ObjectStore, ResourceKind, StoredObject } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { replaceConfigurationTexts } from '@kube-rescue/node-config';
import { containsCertificates, beginsCertificate, isSameCa } from '@kube-rescue/x509';
import { type CaExchange, exchangeCa } from './ca-exchange.ts';
import { type BootstrapToken, isWronglySigned, readBootstrapToken, withSignatures } from './bootstrap-signatures.ts';
import { findKeyField } from './key-matching.ts';
import { exchangeEmbedded, hasEmbeddedCa } from './kubeconfig-text.ts';
import { type ObjectField, readFields, withField } from './object-fields.ts';
import { KINDS_WITH_CERTIFICATES } from './object-inventory.ts';
import { describeOwner, describeLocation, locationIn, type Readable } from './object-location.ts';

/** One object as read, and with its edits. */
export interface ObjectEdit {
  readonly read: StoredObject;
  readonly edited: KubernetesObject;
  /** One line for each edit, without key material. */
  readonly edits: readonly string[];
}

/** A location with the old CA that is not changed. */
export interface Skipped {
  /** For example `Secret default/app ca.crt`. */
  readonly location: string;
  readonly reason: string;
}

export interface TrustSweep {
  readonly edits: readonly ObjectEdit[];
  readonly leftAlone: readonly Skipped[];
}

/** The options for one object. */
export interface SweepOptions {
  readonly exchange: CaExchange;
  /** The tokens that sign `cluster-info`. */
  readonly tokens: readonly BootstrapToken[];
  /**
   * Also changes Secrets and ConfigMaps of workloads, in any key; their owners may restore the old CA. Default: false, they are
   * reported as left alone.
   */
  readonly everywhere?: boolean | undefined;
}

export interface TrustSweepInput extends Omit<SweepOptions, 'tokens'> {
  readonly store: Pick<ObjectStore, 'list'>;
  readonly now: Date;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Plans the replacement of a CA in the cluster's objects: `ca.crt` of service accounts, `kube-root-ca.crt`, `cluster-info` with its
 * signatures, `extension-apiserver-authentication`, and the caBundles that hold this CA. Other certificates in a bundle stay.
 * Reads only.
 *
 * Does not change immutable or unreadable objects: these are reported.
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
      leftAlone.push({ location: failure.subject ?? name, reason: failure.message });
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

/** Edits one object; `edits` is empty for an unchanged object. Pure. */
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
    const location = describeLocation(locationIn(read, field.key));
    const text = exchangedText(field, exchange, location);
    if (text.reason !== undefined) leftAlone.push({ location, reason: text.reason });
    if (text.exchanged === undefined) continue;
    const reason = obstacle(read.object, field, { siblings, exchange, everywhere });
    if (reason === undefined) {
      edited = withField(edited, field, Buffer.from(text.exchanged, 'latin1'));
      edits.push(`${field.key}: old CA replaced by ${count(exchange.replacement.length)}`);
    } else leftAlone.push({ location, reason });
  }
  if (isClusterInfo(read) && (edits.length > 0 || isWronglySigned(edited, tokens)) && read.object.immutable !== true) {
    edited = withSignatures(edited, tokens);
    edits.push(`signed by ${tokens.length} bootstrap token${tokens.length === 1 ? '' : 's'}`);
  }
  return { edited, edits, leftAlone };
}

/** Empty for an unchanged field. */
function exchangedText(
  { bytes, isExpected }: ObjectField,
  exchange: CaExchange,
  location: string,
): { readonly exchanged?: string; readonly reason?: string } {
  const text = Buffer.from(bytes).toString('latin1');
  try {
    const exchanged = containsCertificates(text)
      ? exchangeWhereRead(text, exchange, location)
      : hasEmbeddedCa(text)
        ? exchangeEmbedded(text, (pem) => exchangeCa(pem, exchange, location))
        : text;
    return exchanged === text ? {} : { exchanged };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return isExpected ? { reason: error.message } : {};
  }
}

/** A value is PEM, or a configuration in YAML or JSON that holds PEM in strings. */
function exchangeWhereRead(text: string, exchange: CaExchange, location: string): string {
  if (beginsCertificate(text)) return exchangeCa(text, exchange, location);
  return replaceConfigurationTexts(text, location, (value) =>
    beginsCertificate(value) ? exchangeCa(value, exchange, location) : value,
  );
}

/** The reason not to change a field with the old CA. */
function obstacle(
  object: KubernetesObject,
  field: ObjectField,
  context: Pick<SweepOptions, 'exchange' | 'everywhere'> & { readonly siblings: ReadonlyMap<string, ObjectField> },
): string | undefined {
  const isSystem = field.purpose !== undefined && field.purpose !== 'identity';
  if (!isSystem && context.everywhere !== true) return 'it belongs to a workload';
  if (object.immutable === true) return 'it is immutable: delete and recreate it';
  const { old, replacement } = context.exchange;
  // A component that signs with it takes the first certificate, which must match the key.
  const isSameKey = replacement.length === 1 && isSameCa(replacement[0], old);
  const isWithKey = !isSystem && findKeyField(field, context.siblings) !== undefined;
  return isWithKey && !isSameKey ? 'the object holds the key of the old CA' : undefined;
}

function isClusterInfo(read: Readable): boolean {
  return describeOwner(locationIn(read, '')) === 'ConfigMap kube-public/cluster-info';
}

function count(certificates: number): string {
  return certificates === 1 ? 'one certificate' : `${certificates} certificates`;
}
