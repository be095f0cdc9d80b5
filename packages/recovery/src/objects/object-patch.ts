import {
  assertSameIdentity,
  describeReference,
  isRecord,
  type KubernetesObject,
  type ObjectContent,
  ObjectError,
  type StoredObject,
  withContent,
} from '@kube-rescue/cluster-objects';
import type { Json } from '@kube-rescue/workflow';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Applies a merge patch (RFC 7386) to an object. In a Secret, `stringData` is plain text for `data`, as in the API.
 *
 * A `resourceVersion` in the patch is a condition: the object must still be of that revision.
 * @throws ObjectError `OBJECT_INVALID` `OBJECT_CONFLICT`, without any value
 */
export async function patchObject(read: StoredObject, patch: Json): Promise<KubernetesObject> {
  const { object, kind } = read;
  const { name, namespace } = object.metadata;
  const subject = describeReference({ kind, name, namespace });
  const invalid = (message: string, hint: string) =>
    new ObjectError({ code: 'OBJECT_INVALID', message, subject, hint });
  if (!isRecord(patch)) throw invalid('the patch is not an object', 'the patch is a map of the fields to change');
  const revision = isRecord(patch['metadata']) ? patch['metadata']['resourceVersion'] : undefined;
  if (revision !== undefined && revision !== null && revision !== read.revision) {
    throw new ObjectError({
      code: 'OBJECT_CONFLICT',
      message: 'the object has changed since the revision that the patch names',
      subject,
      hint: 'read the object and write the patch again',
    });
  }
  const list = listUnderObject(object, patch, []);
  if (list !== undefined) {
    throw invalid(`${list} is a list: a merge patch cannot change single items`, 'give the whole list with --file');
  }
  const plain = object.kind === 'Secret' ? withEncodedText(patch) : patch;
  const merged = withContent(object, merge(object, plain) as ObjectContent, true);
  assertSameIdentity(read, merged);
  const field = findBadData(merged);
  if (field !== undefined) {
    throw invalid(
      `${field} has the wrong encoding`,
      'use base64 in data of a Secret and in binaryData, plain text otherwise',
    );
  }
  return merged;
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged = new Map(Object.entries(isRecord(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, merge(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

function listUnderObject(target: unknown, patch: unknown, path: readonly string[]): string | undefined {
  if (!isRecord(patch)) return undefined;
  if (Array.isArray(target)) return path.join('.');
  if (!isRecord(target)) return undefined;
  return Object.entries(patch)
    .map(([key, value]) => listUnderObject(Object.hasOwn(target, key) ? target[key] : undefined, value, [...path, key]))
    .find((found) => found !== undefined);
}

function withEncodedText(patch: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { stringData, ...rest } = patch;
  if (!isRecord(stringData)) return rest;
  const encoded = Object.entries(stringData).map(([key, value]) => {
    return [key, typeof value === 'string' ? Buffer.from(value).toString('base64') : value] as const;
  });
  return { ...rest, data: { ...(isRecord(rest['data']) ? rest['data'] : {}), ...Object.fromEntries(encoded) } };
}

/** The first value of a Secret or ConfigMap that an API server would refuse. */
function findBadData({ kind, data, binaryData }: KubernetesObject): string | undefined {
  if (kind !== 'Secret' && kind !== 'ConfigMap') return undefined;
  const bad = (field: string, values: unknown, isGood: (text: string) => boolean): string | undefined => {
    if (values === undefined || values === null) return undefined;
    if (!isRecord(values)) return field;
    const entry = Object.entries(values).find(([, value]) => typeof value !== 'string' || !isGood(value));
    return entry && `${field}.${entry[0]}`;
  };
  const isBase64 = (text: string): boolean => BASE64.test(text);
  return bad('data', data, kind === 'Secret' ? isBase64 : () => true) ?? bad('binaryData', binaryData, isBase64);
}
