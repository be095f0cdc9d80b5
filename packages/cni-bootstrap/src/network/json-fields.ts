import type { Fields } from '@kube-rescue/cluster-objects';

/** A field as Go's JSON decoder finds it: by its exact name, else whatever the case. */
export function goField(object: Fields, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const found = Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : object[found];
}
