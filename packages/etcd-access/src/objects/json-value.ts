import { isDeepStrictEqual } from 'node:util';
import { apiVersionOf, assertShallow, type KubernetesObject, type ResourceKind } from '@kube-rescue/cluster-objects';
import { FieldMismatch } from './field-mismatch.ts';
import type { StoredValue } from './stored-value-type.ts';

/** Kinds whose stored version can be shown as the one that the API is asked in: only the name differs. */
const ALIKE_IN_ALL_VERSIONS: ReadonlySet<string> = new Set(['APIService']);

/** What `JSON.parse` tells a reviver about the text of a value (ECMAScript, "JSON.parse source text access"). */
type SourceReviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/**
 * Reads an object that is kept in JSON: custom resources, their definitions, API services.
 * @param subject the object, for messages
 * @throws SyntaxError when it is not JSON; Error when it is not an object of Kubernetes; ObjectError `OBJECT_UNREADABLE`
 *   when it is nested too deep
 */
export function readJsonValue(value: Uint8Array, kind: ResourceKind, subject: string): StoredValue {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  // A reviver is called from the innermost out, on the stack.
  assertShallow(JSON.parse(text), subject);
  const { json, inexact } = parse(text);
  const stored = assertObject(json);
  const object = ALIKE_IN_ALL_VERSIONS.has(kind.kind) ? { ...stored, apiVersion: apiVersionOf(kind) } : stored;
  return {
    object,
    partial: false,
    edit(edited) {
      // A number that JavaScript cannot hold would come back as another.
      if (inexact !== undefined) throw new FieldMismatch(inexact, 'cannot be kept exactly', 'OBJECT_FIELD_UNSUPPORTED');
      return isDeepStrictEqual(edited, object) ? value : createJsonValue({ ...edited, apiVersion: stored.apiVersion });
    },
  };
}

/** An API server ends JSON with a newline. */
export function createJsonValue(object: KubernetesObject): Uint8Array {
  return new Uint8Array(Buffer.from(`${JSON.stringify(object)}\n`));
}

/** The value, and the key of a number that does not survive being read. */
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
  throw new Error('it is no object of Kubernetes');
}
