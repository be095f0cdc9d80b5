import type { KubernetesObject } from './kubernetes-object.ts';
import { fieldsAt } from './object-fields.ts';

/** `DNS1123SubdomainMaxLength` and `configMapKeyFmt` of k8s.io/apimachinery/pkg/util/validation. */
const MAX_KEY_LENGTH = 253;
const KEY = /^[-._a-zA-Z0-9]+$/;

/**
 * Whether a key of a Secret or ConfigMap is one that the API server accepts, which makes it a file name (`IsConfigMapKey` of
 * k8s.io/apimachinery/pkg/util/validation). etcd holds any key: check it before it becomes a part of a path.
 */
export function isObjectKey(key: string): boolean {
  return key.length <= MAX_KEY_LENGTH && KEY.test(key) && key !== '.' && !key.startsWith('..');
}

/** The bytes of a Secret or ConfigMap by key, with any keys: see {@link isObjectKey}. */
export function readObjectData(object: KubernetesObject): ReadonlyMap<string, Uint8Array> {
  const texts = (field: string): readonly (readonly [string, string])[] =>
    Object.entries(fieldsAt(object, field)).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const encoding = object.kind === 'Secret' ? 'base64' : 'utf8';
  return new Map([
    ...texts('data').map(([key, text]) => [key, Buffer.from(text, encoding)] as const),
    ...texts('binaryData').map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ]);
}

/**
 * The object with new bytes for its existing keys; no keys are added. Returns the same object when nothing differs.
 */
export function withObjectData(object: KubernetesObject, wanted: ReadonlyMap<string, Uint8Array>): KubernetesObject {
  const present = readObjectData(object);
  const changed = [...wanted].filter(([key, bytes]) => {
    const before = present.get(key);
    return before !== undefined && !Buffer.from(before).equals(bytes);
  });
  if (changed.length === 0) return object;
  const isBinary = (key: string): boolean => object.kind !== 'Secret' && Object.hasOwn(object.binaryData ?? {}, key);
  const encode = (binary: boolean): Readonly<Record<string, string>> =>
    Object.fromEntries(
      changed
        .filter(([key]) => isBinary(key) === binary)
        .map(([key, bytes]) => [
          key,
          Buffer.from(bytes).toString(object.kind === 'Secret' || binary ? 'base64' : 'utf8'),
        ]),
    );
  const binary = encode(true);
  return {
    ...object,
    data: { ...fieldsAt(object, 'data'), ...encode(false) },
    ...(Object.keys(binary).length === 0 ? {} : { binaryData: { ...fieldsAt(object, 'binaryData'), ...binary } }),
  };
}
