import type { Json } from '@kube-rescue/workflow';
import { usageError } from '../envelope.ts';

/** Reads a local file of the operator. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** Fields whose keys may hold dots: the rest of the path is one key. */
const FLAT_FIELDS = ['data.', 'stringData.', 'binaryData.', 'metadata.labels.', 'metadata.annotations.'];
const HINT = 'use PATH=VALUE, PATH=@FILE, or PATH=null to remove the field';

/**
 * Makes a merge patch of `PATH=VALUE`s. In text fields (labels, annotations, data) VALUE is text; in other fields it is JSON, or
 * text if it is not valid JSON. `@FILE` is the content of a file: in base64 for `data` of a Secret and for `binaryData`. `null`
 * removes the field.
 *
 * @throws CliError `USAGE`, without any value
 */
export async function toPatch(assignments: readonly string[], kind: string, readFile: ReadFile): Promise<Json> {
  let patch: Json = {};
  for (const text of assignments) {
    const at = text.indexOf('=');
    const path = at === -1 ? [] : splitPath(text.slice(0, at));
    if (path.length === 0 || path.includes('')) {
      throw usageError('--set has no path or no value', at === -1 ? '--set' : text.slice(0, at), HINT);
    }
    const value = await readValue(text.slice(at + 1), path, kind, readFile);
    patch = withValue(patch, path, value);
  }
  return patch;
}

/** `metadata.labels.app.kubernetes.io/name` has three parts: the name of a label is one key. */
function splitPath(path: string): readonly string[] {
  const flat = FLAT_FIELDS.find((field) => path.startsWith(field));
  if (flat !== undefined) return [...flat.slice(0, -1).split('.'), path.slice(flat.length)];
  return path.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'));
}

async function readValue(text: string, path: readonly string[], kind: string, readFile: ReadFile): Promise<Json> {
  if (text === 'null') return null;
  if (text.startsWith('@')) return encode(await readFile(text.slice(1)), path, kind, text.slice(1));
  return isTextField(path) ? text : parseJson(text);
}

function encode(bytes: Uint8Array, path: readonly string[], kind: string, file: string): Json {
  if ((kind === 'Secret' && path[0] === 'data') || path[0] === 'binaryData')
    return Buffer.from(bytes).toString('base64');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usageError(
      'the file is not text',
      file,
      'put binary content under binaryData of a ConfigMap, or data of a Secret',
    );
  }
}

function isTextField(path: readonly string[]): boolean {
  return FLAT_FIELDS.some((field) => path.join('.').startsWith(field));
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function withValue(patch: Json, [key = '', ...rest]: readonly string[], value: Json): Json {
  const fields = typeof patch === 'object' && patch !== null && !Array.isArray(patch) ? Object.entries(patch) : [];
  const others = fields.filter(([name]) => name !== key);
  const present = fields.find(([name]) => name === key)?.[1] ?? {};
  return Object.fromEntries([...others, [key, rest.length === 0 ? value : withValue(present as Json, rest, value)]]);
}
