import { parseManifest } from '@kube-rescue/node-config';
import { isDeepStrictEqual } from 'node:util';
import { isAlias, isScalar, type ParsedNode, type Scalar, visit } from 'yaml';
import { ManifestError } from '../errors.ts';

/** A flag that needs no quotes in YAML 1.1. */
const PLAIN = /^--[\w-]+=[\w./-]+$/;

/**
 * Changes the value of a `--name=value` flag in a Pod manifest and keeps every other byte.
 *
 * Returns the text unchanged when the flag has that value already. Writes nothing.
 * @param flag with its present value, as the component reads it: `['root-ca-file', '/etc/kubernetes/pki/ca.crt']`
 * @param subject the file's path, for messages
 * @throws ManifestError `MANIFEST_INVALID`; `MANIFEST_UNEDITABLE` when the flag is not exactly one word of the manifest
 */
export function setContainerFlag(
  source: string,
  [name, before]: readonly [name: string, before: string],
  value: string,
  subject = 'manifest',
): string {
  if (before === value) return source;
  const manifest = parseManifest(source, subject);
  const word = `--${name}=${before}`;
  const found: Scalar.Parsed[] = [];
  visit(manifest.document, {
    Scalar: (_key, node) => void (node.value === word && found.push(node as Scalar.Parsed)),
  });
  const [node, other] = found;
  if (node === undefined || other !== undefined || isShared(node)) {
    throw uneditable(`--${name} is not exactly one word of the manifest`, subject);
  }
  const text = `--${name}=${value}`;
  const [start, end] = node.range;
  const written = source.slice(start, end);
  const isPlain = node.type === 'PLAIN' && PLAIN.test(text);
  const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' || node.type === 'PLAIN';
  if (!isQuoted || /[\r\n]/.test(written)) throw uneditable(`--${name} is written over several lines`, subject);
  const edited = source.slice(0, start) + (isPlain ? text : JSON.stringify(text)) + source.slice(end);
  // Verifies the edit: the objects must be equal except for the one word.
  const expected = replaceWord(manifest.object, word, text);
  if (isDeepStrictEqual(parseManifest(edited, subject).object, expected)) return edited;
  throw uneditable(`changing --${name} would change something else, too`, subject);
}

function isShared(node: ParsedNode): boolean {
  return isAlias(node) || (isScalar(node) && (node.anchor !== undefined || node.tag !== undefined));
}

function replaceWord(value: unknown, word: string, text: string): unknown {
  if (value === word) return text;
  if (Array.isArray(value)) return value.map((item) => replaceWord(item, word, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceWord(item, word, text)]));
}

function uneditable(message: string, subject: string): ManifestError {
  return new ManifestError({
    code: 'MANIFEST_UNEDITABLE',
    message,
    subject,
    hint: 'write the flag as --name=value, as a separate word of the container command',
  });
}
