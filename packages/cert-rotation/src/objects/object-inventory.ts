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
  readonly location: ObjectLocation;
  readonly purpose: CertificatePurpose;
  /** The service that is verified with it, for example `webhook.default.svc`; `null` unless it is a caBundle of a service. */
  readonly service: string | null;
  readonly form: 'PEM' | 'DER';
  readonly certificate: Certificate;
  /** Empty for a valid certificate. */
  readonly problems: readonly Problem[];
}

/** A keystore: reported, not opened. */
export interface ObjectKeystore {
  readonly found: 'keystore';
  readonly location: ObjectLocation;
  readonly format: 'PKCS#12' | 'JKS';
}

/** A value or an object that must hold certificates and cannot be read. */
export interface UnreadableObject {
  readonly found: 'unreadable';
  /** `null` when the object itself could not be read; the problem names it. */
  readonly location: ObjectLocation | null;
  readonly problems: readonly [Problem];
}

export type ObjectFinding = ObjectCertificate | ObjectKeystore | UnreadableObject;

export interface ObjectInspection extends JudgementOptions {
  readonly store: Pick<ObjectStore, 'list'>;
  /** Default: every namespace, and objects without namespace. */
  readonly namespace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Kinds whose objects may hold certificates, in the order of reading. */
export const KINDS_WITH_CERTIFICATES = [
  'Secret',
  'ConfigMap',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'APIService',
  'CustomResourceDefinition',
] as const;

/**
 * Finds and checks every certificate in the cluster's objects: Secrets of any type, ConfigMaps, caBundles of webhooks,
 * APIServices and CRD conversions. Reads only; with an etcd store also while the API server is down.
 *
 * Reads object by object, so its memory does not grow with the cluster. Detects by content, not by name: PEM in any key, DER, and
 * kubeconfigs with embedded certificates. Reports keystores without opening them. An unreadable object is a finding of its own.
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
    const location = locationIn(read, field.key);
    return { field, location, content: detect(field.bytes, describeLocation(location), cache) };
  });
  const cas = detected.flatMap(({ content }) =>
    content.is === 'certificates' ? content.certificates.filter(({ x509 }) => x509.ca) : [],
  );
  return detected.flatMap(({ field, location, content }) =>
    describeContent(content, { field, location, siblings, cas, options }),
  );
}

interface FieldContext {
  readonly field: ObjectField;
  readonly location: ObjectLocation;
  readonly siblings: ReadonlyMap<string, ObjectField>;
  readonly cas: readonly Certificate[];
  readonly options: JudgementOptions;
}

function describeContent(content: Detected, context: FieldContext): readonly ObjectFinding[] {
  const { field, location } = context;
  const subject = describeLocation(location);
  switch (content.is) {
    case 'nothing':
      return field.isExpected ? [unreadable(location, problemOf(notPem(subject), subject))] : [];
    case 'unreadable':
      return [unreadable(location, problemOf(content.error, subject))];
    case 'keystore':
      return [{ found: 'keystore', location, format: content.format }];
    case 'kubeconfig':
      return content.parts.flatMap(({ field: part, certificates }) => {
        const purpose = part === 'certificate-authority-data' ? 'api-server-trust' : 'identity';
        const inside = { ...context, location: { ...location, key: `${location.key}:${part}` } };
        return describeBundle(certificates, 'PEM', purpose, inside);
      });
    case 'certificates': {
      const { certificates, form } = content;
      // A reader of PEM does not read DER.
      const mislocationd =
        field.isExpected && form === 'DER' ? [unreadable(location, problemOf(notPem(subject), subject))] : [];
      const isCaCertificate = certificates[0]?.x509.ca === true;
      const purpose = field.purpose ?? (isCaCertificate ? 'trust' : 'identity');
      return [...mislocationd, ...describeBundle(certificates, form, purpose, context)];
    }
  }
}

function describeBundle(
  bundle: readonly Certificate[],
  form: 'PEM' | 'DER',
  purpose: CertificatePurpose,
  { field, location, siblings, cas, options }: FieldContext,
): readonly ObjectCertificate[] {
  const isServer = purpose === 'identity' && !location.key.includes(':');
  // Several certificates without a CA are not a chain.
  const isChain = isServer && bundle.slice(1).every(({ x509 }) => x509.ca);
  return bundle.map((certificate, index) => {
    const at = { ...location, index };
    const subject = describeLocation(at);
    const own = index === 0 ? purpose : purposeWithin(purpose, certificate);
    const companions = purpose === 'identity' ? [] : bundle;
    return {
      found: 'certificate',
      location: at,
      purpose: own,
      service: field.service ?? null,
      form,
      certificate,
      problems: [
        ...judgeValidity(certificate, { subject, purpose: own, bundle: companions }, options),
        ...(isChain && index === 0 ? judgeOwnChain(bundle, cas, subject) : []),
        ...(index === 0 ? judgeKeyMatch(certificate, field, siblings, describeOwner(location)) : []),
      ],
    };
  });
}

/** Certificates after a server certificate are its chain; the purpose of a field holds for all its certificates. */
function purposeWithin(purpose: CertificatePurpose, { x509 }: Certificate): CertificatePurpose {
  if (purpose !== 'identity' && purpose !== 'trust') return purpose;
  return x509.ca ? 'trust' : 'identity';
}

function unreadable(location: ObjectLocation, problem: Problem): UnreadableObject {
  return { found: 'unreadable', location, problems: [problem] };
}

function unreadableObject(failure: Error, { kind }: ResourceKind): UnreadableObject {
  if (!isRecoveryError(failure)) throw failure;
  return { found: 'unreadable', location: null, problems: [problemOf(failure, kind)] };
}

/** A field that a controller has yet to fill holds a line break at most. */
function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}
