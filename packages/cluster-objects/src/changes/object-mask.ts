import { redact } from '@kube-rescue/errors';
import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { isRecord } from '../objects/object-fields.ts';
import { listEdits } from './field-edits.ts';

/** kubectl's annotation with a copy of the whole object, values included. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const SECRET_VARIABLE = /SECRET|TOKEN|PASSW|CREDENTIAL|PRIVATE|(^|_)KEY$/i;
const LONGEST_SHOWN = 60;
const DIGEST_CHARACTERS = 8;
/** A shorter value may be a password that can be guessed from its digest. */
const LEAST_DIGESTED = 32;
const MOST_EDITS = 20;

/**
 * The object with the values of a Secret as lengths, long ones with a digest; keys and tokens in other objects are masked.
 */
export function maskObject(object: KubernetesObject): KubernetesObject {
  return maskAt(object, [], object.kind) as KubernetesObject;
}

/**
 * A line for each field that an edit changes. A value of a Secret is shown as its length, a long one with its digest.
 * At most twenty lines and one that counts the rest.
 */
export function describeEdit(before: KubernetesObject, after: KubernetesObject): readonly string[] {
  const edits = listEdits(before, after).map(({ path, from, to }) => {
    return `${path.join('.')}: ${describeValue(from, path, before.kind)} -> ${describeValue(to, path, before.kind)}`;
  });
  const more = edits.length - MOST_EDITS;
  return more > 0 ? [...edits.slice(0, MOST_EDITS), `and ${more} more`] : edits;
}

function describeValue(value: unknown, path: readonly string[], kind: string): string {
  if (value === undefined) return '(none)';
  const masked = maskAt(value, path, kind);
  const text = JSON.stringify(masked);
  const isMasked = typeof masked === 'string' && masked !== value;
  return text.length <= LONGEST_SHOWN || isMasked ? text : summary(Buffer.from(text));
}

function maskAt(value: unknown, path: readonly string[], kind: string): unknown {
  if (path[2] === LAST_APPLIED || (kind === 'Secret' && isSecret(path))) return maskSecret(value, path);
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((item: unknown, index) => maskAt(item, [...path, String(index)], kind));
  if (!isRecord(value)) return value;
  if (isSecretVariable(value)) return { ...value, value: summary(Buffer.from(value.value)) };
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, maskAt(field, [...path, key], kind)]));
}

function isSecret([first, second]: readonly string[]): boolean {
  return (first === 'data' || first === 'stringData') && second !== undefined;
}

/** An environment variable of a container with a literal secret value. */
function isSecretVariable(
  value: Readonly<Record<string, unknown>>,
): value is { readonly name: string; readonly value: string } {
  const { name, value: text } = value;
  return typeof name === 'string' && typeof text === 'string' && SECRET_VARIABLE.test(name);
}

function maskSecret(value: unknown, path: readonly string[]): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return summary(path[0] === 'data' ? Buffer.from(text, 'base64') : Buffer.from(text));
}

function summary(bytes: Uint8Array): string {
  const size = `${bytes.length} byte${bytes.length === 1 ? '' : 's'}`;
  if (bytes.length < LEAST_DIGESTED) return `(${size})`;
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, DIGEST_CHARACTERS);
  return `(${size}, SHA-256 ${digest}...)`;
}
