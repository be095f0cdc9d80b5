import { lineOfYamlError, parseYamlDocuments, type YamlOptions } from '../yaml-documents.ts';
import { NodeConfigError } from '../errors.ts';
import { type Document, isMap, type ParsedNode, type YAMLMap } from 'yaml';

/** Larger than any Pod that an API server could mirror (etcd accepts 1.5 MiB a request); the kubelet itself reads 10 MiB. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;

/**
 * YAML 1.1 as the kubelet's parser reads it: gopkg.in/yaml.v2 reads a timestamp and a number with colons as strings.
 */
const KUBERNETES_YAML: YamlOptions = {
  version: '1.1',
  keepSourceTokens: true,
  customTags: (tags) =>
    tags.filter(
      (tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && tag.format !== 'TIME'),
    ),
};

/** The one Kubernetes object in a file, as a syntax tree with offsets into its text. */
export interface ParsedManifest {
  readonly document: Document.Parsed;
  readonly root: YAMLMap.Parsed;
  /** The same object as plain data. */
  readonly object: Readonly<Record<string, unknown>>;
}

/**
 * Decodes the bytes of a manifest without loss: a byte order mark stays.
 *
 * @param subject the file's path, for messages
 * @throws NodeConfigError `MANIFEST_TOO_LARGE` `MANIFEST_INVALID`
 */
export function decodeManifest(bytes: Uint8Array, subject: string): string {
  if (bytes.length > MAX_MANIFEST_BYTES) throw tooLarge(subject, bytes.length);
  const invalid = (message: string, cause?: unknown) =>
    new NodeConfigError({
      code: 'MANIFEST_INVALID',
      message,
      subject,
      hint: 'restore the manifest as UTF-8 text',
      cause,
    });
  if (bytes.includes(0)) throw invalid('the manifest is binary, not text');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid('the manifest is not UTF-8 text', cause);
  }
}

/** The refusal of a file of `size` bytes. */
export function tooLarge(subject: string, size: number): NodeConfigError {
  return new NodeConfigError({
    code: 'MANIFEST_TOO_LARGE',
    message: `the file has ${size} bytes, a manifest at most ${MAX_MANIFEST_BYTES}`,
    subject,
    hint: 'move other files out of the directory; the kubelet reads every file in it',
  });
}

/**
 * Parses YAML or JSON with exactly one object, by the YAML 1.1 rules of Kubernetes.
 *
 * Stricter than the kubelet, which silently ignores all documents but the first and all duplicates of a key but one.
 * @param subject the file's path, for messages
 * @throws NodeConfigError `MANIFEST_INVALID` with the line
 */
export function parseManifest(source: string, subject: string): ParsedManifest {
  const invalid = (message: string, hint: string, cause?: unknown) =>
    new NodeConfigError({ code: 'MANIFEST_INVALID', message, subject, hint, cause });

  const documents = parseYamlDocuments(source, KUBERNETES_YAML);
  const problem = documents.flatMap((document) => document.errors)[0];
  if (problem !== undefined) {
    throw invalid(
      `malformed manifest, line ${lineOfYamlError(source, problem)}: ${problem.message.toLowerCase()}`,
      'correct the line, or restore the file from a backup',
    );
  }
  const [document, ...others] = documents.filter(({ contents }) => !isEmpty(contents));
  if (document === undefined) throw invalid('the manifest is empty', 'remove the file or restore it from a backup');
  if (others.length > 0) {
    throw invalid(
      `the file holds ${others.length + 1} documents, of which the kubelet runs the first only`,
      'split the file into one Pod per file',
    );
  }
  const root = document.contents;
  if (!isMap(root)) throw invalid('the manifest is not an object', 'restore the file from a backup');
  try {
    return { document, root, object: document.toJS({ maxAliasCount: 100 }) as Record<string, unknown> };
  } catch (cause) {
    throw invalid('the aliases of the manifest cannot be resolved', 'replace the aliases with their values', cause);
  }
}

/** Cache limits: more texts than a node's files and the cached copies of its pods, and longer than any of them. */
const KEPT_OBJECTS = 64;
const KEPT_LENGTH = 64 * 1024;

/** Objects by their text: a run reads the files of a node often, and they rarely change. */
const parsedObjects = new Map<string, ParsedManifest['object']>();

/**
 * The one Kubernetes object in a text, as plain data; the same text gives the same object, which is read-only.
 *
 * @param subject the file's path, for messages
 * @throws NodeConfigError `MANIFEST_INVALID` with the line
 */
export function readManifestObject(source: string, subject: string): ParsedManifest['object'] {
  const known = parsedObjects.get(source);
  if (known !== undefined) return known;
  const { object } = parseManifest(source, subject);
  if (parsedObjects.size >= KEPT_OBJECTS) parsedObjects.clear();
  if (source.length <= KEPT_LENGTH) parsedObjects.set(source, object);
  return object;
}

function isEmpty(contents: ParsedNode | null): boolean {
  return contents === null || ('value' in contents && contents.value === null);
}
