import type { ObjectStore, ResourceKind } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Certificate } from '@kube-rescue/x509';
import type { JudgementOptions } from '../judgement/judgement.ts';
import { type Problem, problemOf } from '../judgement/problem.ts';
import { type CertificateCache, type Detected, detect, notPem } from './certificate-detection.ts';
import { judgeKeyMatch } from './key-matching.ts';
import { type CertificatePurpose, type ObjectField, readFields } from './object-fields.ts';
import { judgeOwnChain, judgeValidity } from './object-judgement.ts';
import { describeOwner, describeLocation, type ObjectLocation, locationIn, type Readable } from './object-location.ts';

/** One certificate of the cluster's objects. Carries no key. */
export interface ObjectCertificate {
  readonly found: 'certificate';
  readonly place: ObjectLocation;
  readonly purpose: CertificatePurpose;
  /** The name that is judged by it, for example `webhook.default.svc`; `null` unless it is a caBundle of a service. */
  readonly service: string | null;
  readonly form: 'PEM' | 'DER';
  readonly certificate: Certificate;
  /** Empty: nothing is wrong with it. */
  readonly problems: readonly Problem[];
}

/** A keystore: named, not opened. */
export interface ObjectKeystore {
  readonly found: 'keystore';
  readonly place: ObjectLocation;
  readonly format: 'PKCS#12' | 'JKS';
}

/** A value or an object that should hold certificates and cannot be read. */
export interface UnreadableObject {
  readonly found: 'unreadable';
  /** `null` when the object itself could not be read; the problem names it. */
  readonly place: ObjectLocation | null;
  readonly problems: readonly [Problem];
}

export type ObjectFinding = ObjectCertificate | ObjectKeystore | UnreadableObject;

export interface ObjectInspection extends JudgementOptions {
  readonly store: Pick<ObjectStore, 'list'>;
  /** Default: every namespace, and what has none. */
  readonly namespace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Kinds whose objects may hold certificates, in the order in which they are looked at. */
export const KINDS_WITH_CERTIFICATES = [
  'Secret',
  'ConfigMap',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'APIService',
  'CustomResourceDefinition',
] as const;

/**
 * Finds every certificate that the cluster's objects hold, and judges each: Secrets of any type, ConfigMaps, caBundles of
 * webhooks, APIServices and CRD conversions. Reads only; with a store on etcd also while the API server is dead.
 *
 * Goes object by object, so its memory does not grow with the cluster. Content decides, not names: PEM in any key, DER, and
 * what kubeconfigs embed. Keystores are named, not opened. An object that cannot be read is a finding, and hides no other.
 * @throws ObjectError `OBJECT_STORE_UNREACHABLE` `OBJECT_FORBIDDEN` when a kind cannot be listed at all
 */
export async function* inspectObjectCertificates(inspection: ObjectInspection): AsyncGenerator<ObjectFinding> {
  const { store, namespace, signal } = inspection;
  const { RESOURCE_KINDS } = await import('@kube-rescue/cluster-objects');
  const cache: CertificateCache = new Map();
  for (const name of KINDS_WITH_CERTIFICATES) {
    const kind: ResourceKind = RESOURCE_KINDS[name];
    if (namespace !== undefined && !kind.namespaced) continue;
    const failures: Error[] = [];
    for await (const read of store.list(kind, {
      namespace,
      signal,
      onUnreadable: (failure) => failures.push(failure),
    })) {
      yield* inspectObject(read, inspection, cache);
    }
    for (const failure of failures) yield unreadableObject(failure, kind);
  }
}

/** The certificates of one object. Pure. */
export function inspectObject(
  read: Readable,
  options: JudgementOptions,
  cache: CertificateCache = new Map(),
): readonly ObjectFinding[] {
  const fields = readFields(read).filter(({ bytes }) => !isBlank(bytes));
  const siblings = new Map(fields.map((field) => [field.key, field]));
  const detected = fields.map((field) => {
    const place = locationIn(read, field.key);
    return { field, place, content: detect(field.bytes, describeLocation(place), cache) };
  });
  const cas = detected.flatMap(({ content }) =>
    content.is === 'certificates' ? content.certificates.filter(({ x509 }) => x509.ca) : [],
  );
  return detected.flatMap(({ field, place, content }) =>
    describeContent(content, { field, place, siblings, cas, options }),
  );
}

interface FieldContext {
  readonly field: ObjectField;
  readonly place: ObjectLocation;
  readonly siblings: ReadonlyMap<string, ObjectField>;
  readonly cas: readonly Certificate[];
  readonly options: JudgementOptions;
}

function describeContent(content: Detected, context: FieldContext): readonly ObjectFinding[] {
  const { field, place } = context;
  const subject = describeLocation(place);
  switch (content.is) {
    case 'nothing':
      return field.isExpected ? [unreadable(place, problemOf(notPem(subject), subject))] : [];
    case 'unreadable':
      return [unreadable(place, problemOf(content.error, subject))];
    case 'keystore':
      return [{ found: 'keystore', place, format: content.format }];
    case 'kubeconfig':
      return content.parts.flatMap(({ field: part, certificates }) => {
        const purpose = part === 'certificate-authority-data' ? 'api-server-trust' : 'identity';
        const inside = { ...context, place: { ...place, key: `${place.key}:${part}` } };
        return describeBundle(certificates, 'PEM', purpose, inside);
      });
    case 'certificates': {
      const { certificates, form } = content;
      // Whoever reads PEM does not read DER.
      const misplaced =
        field.isExpected && form === 'DER' ? [unreadable(place, problemOf(notPem(subject), subject))] : [];
      const isCaCertificate = certificates[0]?.x509.ca === true;
      const purpose = field.purpose ?? (isCaCertificate ? 'trust' : 'identity');
      return [...misplaced, ...describeBundle(certificates, form, purpose, context)];
    }
  }
}

function describeBundle(
  bundle: readonly Certificate[],
  form: 'PEM' | 'DER',
  purpose: CertificatePurpose,
  { field, place, siblings, cas, options }: FieldContext,
): readonly ObjectCertificate[] {
  const isServer = purpose === 'identity' && !place.key.includes(':');
  // Several certificates that are not authorities are a heap, not a chain.
  const isChain = isServer && bundle.slice(1).every(({ x509 }) => x509.ca);
  return bundle.map((certificate, index) => {
    const at = { ...place, index };
    const subject = describeLocation(at);
    const own = index === 0 ? purpose : purposeWithin(purpose, certificate);
    const companions = purpose === 'identity' ? [] : bundle;
    return {
      found: 'certificate',
      place: at,
      purpose: own,
      service: field.service ?? null,
      form,
      certificate,
      problems: [
        ...judgeValidity(certificate, { subject, purpose: own, bundle: companions }, options),
        ...(isChain && index === 0 ? judgeOwnChain(bundle, cas, subject) : []),
        ...(index === 0 ? judgeKeyMatch(certificate, field, siblings, describeOwner(place)) : []),
      ],
    };
  });
}

/** What follows a server's certificate is its chain; what a field is there for is true of all that it holds. */
function purposeWithin(purpose: CertificatePurpose, { x509 }: Certificate): CertificatePurpose {
  if (purpose !== 'identity' && purpose !== 'trust') return purpose;
  return x509.ca ? 'trust' : 'identity';
}

function unreadable(place: ObjectLocation, problem: Problem): UnreadableObject {
  return { found: 'unreadable', place, problems: [problem] };
}

function unreadableObject(failure: Error, { kind }: ResourceKind): UnreadableObject {
  if (!isRecoveryError(failure)) throw failure;
  return { found: 'unreadable', place: null, problems: [problemOf(failure, kind)] };
}

/** Fields that wait for somebody to fill them in hold a line break at most. */
function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}
