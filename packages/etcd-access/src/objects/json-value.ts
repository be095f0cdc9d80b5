import { isDeepStrictEqual } from 'node:util';
import { apiVersionOf, assertShallow, type KubernetesObject, type ResourceKind } from '@kube-rescue/cluster-objects';
import { FieldMismatch } from './field-mismatch.ts';
import type { StoredValue } from './stored-value-type.ts';

/** Kinds whose versions differ by name only. */
const ALIKE_IN_ALL_VERSIONS: ReadonlySet<string> = new Set(['APIService']);

/** A reviver with access to the source text of a value (ECMAScript, "JSON.parse source text access"). */
type SourceReviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/**
 * Reads an object stored in JSON: custom resources, their definitions, API services.
 * @param subject the object, for messages
 * @throws SyntaxError when it is not JSON; Error when it is not a Kubernetes object; ObjectError `OBJECT_UNREADABLE`
 *   when nested too deeply
 */
export function readJsonValue(value: Uint8Array, kind: ResourceKind, subject: string): StoredValue {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  // A reviver is called recursively.
  assertShallow(JSON.parse(text), subject);
  const { json, inexact } = parse(text);
  const stored = assertObject(json);
  const object = ALIKE_IN_ALL_VERSIONS.has(kind.kind) ? { ...stored, apiVersion: apiVersionOf(kind) } : stored;
  return {
    object,
    partial: false,
    edit(edited) {
      // JavaScript cannot represent the number exactly and would write another.
      if (inexact !== undefined)
        throw new FieldMismatch(inexact, 'cannot be represented exactly', 'OBJECT_FIELD_UNSUPPORTED');
      return isDeepStrictEqual(edited, object) ? value : createJsonValue({ ...edited, apiVersion: stored.apiVersion });
    },
  };
}

/** An API server ends JSON with a newline. */
export function createJsonValue(object: KubernetesObject): Uint8Array {
  return new Uint8Array(Buffer.from(`${JSON.stringify(object)}\n`));
}

/** The value, and the key of a number that JavaScript cannot represent exactly. */
function parse(text: string): { json: unknown; inexact: string | undefined } {
  let inexact: string | undefined;
  const reviver: SourceReviver = (key, value, context) => {
    if (typeof value === 'number' && context?.source !== undefined && JSON.stringify(value) !== context.source)
      inexact ??= key;
    return value;
  };
  const json = JSON.parse(text, reviver) as unknown;
  return { json, inexact };
}

function assertObject(json: unknown): KubernetesObject {
  const object = json as Partial<KubernetesObject> | null;
  if (
    typeof object?.apiVersion === 'string' &&
    typeof object.kind === 'string' &&
    typeof object.metadata === 'object' &&
    object.metadata !== null
  ) {
    return object as KubernetesObject;
  }
  throw new Error('not a Kubernetes object');
}
