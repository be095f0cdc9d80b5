import { isDeepStrictEqual } from 'node:util';
import { type KubernetesObject, ObjectError, type ResourceKind } from '@kube-rescue/cluster-objects';

/** What an API server lets Secrets and ConfigMaps hold. */
const LARGEST_DATA_BYTES = 1024 * 1024;

/** Kinds that get something when they are created which only an API server hands out. */
const NEEDS_API_SERVER: ReadonlySet<string> = new Set(['Service', 'Namespace', 'CustomResourceDefinition']);

/**
 * Makes sure that an API server would have let an edit pass, as far as that decides whether data can be read again.
 *
 * Not a full validation: values are not checked beyond their type.
 * @throws ObjectError `OBJECT_INVALID` `OBJECT_TOO_LARGE`
 */
export function assertEditAllowed(before: KubernetesObject, after: KubernetesObject, subject: string): void {
  const contentOf = ({ data, binaryData, immutable }: KubernetesObject): unknown => [data, binaryData, immutable];
  if (before.immutable === true && !isDeepStrictEqual(contentOf(before), contentOf(after))) {
    throw new ObjectError({
      code: 'OBJECT_INVALID',
      message: 'it is immutable: whoever mounts it would never see the change',
      subject,
      hint: 'delete it and create it anew',
    });
  }
  if (before.kind === 'Secret' && before.type !== after.type) {
    throw new ObjectError({
      code: 'OBJECT_INVALID',
      message: 'the type of a Secret cannot be edited',
      subject,
      hint: 'delete it and create it anew',
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
    message: `its data have ${bytes} bytes, and ${LARGEST_DATA_BYTES} is the most that an API server takes`,
    subject,
    hint: 'spread the data over several objects',
  });
}

/**
 * A Pod may be created when it is bound to a node and names its service account: what admission would add to it (the volume
 * of its token, tolerations, a priority) is up to whoever makes it.
 * @throws ObjectError `OBJECT_FIELD_UNSUPPORTED`
 */
export function assertCreatable({ kind }: ResourceKind, object: KubernetesObject, subject: string): void {
  const { nodeName, serviceAccountName } = (object.spec ?? {}) as Readonly<Record<string, unknown>>;
  const isBound = typeof nodeName === 'string' && typeof serviceAccountName === 'string';
  if (!NEEDS_API_SERVER.has(kind) && (kind !== 'Pod' || isBound)) return;
  throw new ObjectError({
    code: 'OBJECT_FIELD_UNSUPPORTED',
    message: `a ${kind} gets things when it is created that only an API server hands out`,
    subject,
    hint: 'create it through the API server (--via api)',
  });
}
