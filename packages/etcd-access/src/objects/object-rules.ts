import { isDeepStrictEqual } from 'node:util';
import { type KubernetesObject, ObjectError, type ResourceKind } from '@kube-rescue/cluster-objects';

/** Size limit of Secrets and ConfigMaps in the API server. */
const LARGEST_DATA_BYTES = 1024 * 1024;

/** Kinds with fields that only an API server can assign on creation. */
const NEEDS_API_SERVER: ReadonlySet<string> = new Set(['Service', 'Namespace', 'CustomResourceDefinition']);

/**
 * Checks the API server's rules for an edit that affect whether the object stays readable.
 *
 * Not a full validation: only the types of values are checked.
 * @throws ObjectError `OBJECT_INVALID` `OBJECT_TOO_LARGE`
 */
export function assertEditAllowed(before: KubernetesObject, after: KubernetesObject, subject: string): void {
  const contentOf = ({ data, binaryData, immutable }: KubernetesObject): unknown => [data, binaryData, immutable];
  if (before.immutable === true && !isDeepStrictEqual(contentOf(before), contentOf(after))) {
    throw new ObjectError({
      code: 'OBJECT_INVALID',
      message: 'the object is immutable: pods that mount it would not see the change',
      subject,
      hint: 'delete and recreate it',
    });
  }
  if (before.kind === 'Secret' && before.type !== after.type) {
    throw new ObjectError({
      code: 'OBJECT_INVALID',
      message: 'the type of a Secret cannot be edited',
      subject,
      hint: 'delete and recreate it',
    });
  }
  assertDataFits(after, subject);
}

/** @throws ObjectError `OBJECT_TOO_LARGE` */
export function assertDataFits({ kind, data, binaryData }: KubernetesObject, subject: string): void {
  if (kind !== 'Secret' && kind !== 'ConfigMap') return;
  const bytesOf = (values: unknown, encoding: BufferEncoding): number =>
    Object.values(values ?? {}).reduce<number>((sum, value) => sum + Buffer.byteLength(String(value), encoding), 0);
  const bytes = bytesOf(data, kind === 'Secret' ? 'base64' : 'utf8') + bytesOf(binaryData, 'base64');
  if (bytes <= LARGEST_DATA_BYTES) return;
  throw new ObjectError({
    code: 'OBJECT_TOO_LARGE',
    message: `the data has ${bytes} bytes, the API server accepts ${LARGEST_DATA_BYTES}`,
    subject,
    hint: 'split the data over several objects',
  });
}

/**
 * A Pod may be created when it is bound to a node and names its service account. The caller provides what admission would
 * add: the token volume, tolerations, a priority.
 * @throws ObjectError `OBJECT_FIELD_UNSUPPORTED`
 */
export function assertCreatable({ kind }: ResourceKind, object: KubernetesObject, subject: string): void {
  const { nodeName, serviceAccountName } = (object.spec ?? {}) as Readonly<Record<string, unknown>>;
  const isBound = typeof nodeName === 'string' && typeof serviceAccountName === 'string';
  if (!NEEDS_API_SERVER.has(kind) && (kind !== 'Pod' || isBound)) return;
  throw new ObjectError({
    code: 'OBJECT_FIELD_UNSUPPORTED',
    message: `a new ${kind} needs fields that only an API server can assign`,
    subject,
    hint: 'create it through the API server (--via api)',
  });
}
