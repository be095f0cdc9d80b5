import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, type Scalar, visit } from 'yaml';
import { NodeConfigError } from '../errors.ts';
import { lineOfYamlError, parseYamlDocuments } from '../yaml-documents.ts';
import { renderScalar } from './scalar-rendering.ts';

/** A string of a configuration file. */
export interface ConfigurationText {
  /** Names and positions from the root, for example `jwt`, `0`, `issuer`, `certificateAuthority`. */
  readonly keys: readonly string[];
  readonly text: string;
}

/** An anchor that is used more often expands without limit. */
const MAX_ALIASES = 100;

function invalid(path: string, reason: string, cause?: unknown): NodeConfigError {
  return new NodeConfigError({
    code: 'CONFIGURATION_INVALID',
    message: `cannot read the configuration file: ${reason}`,
    subject: path,
    hint: 'correct the file or restore it from a backup; the component that reads it does not start',
    cause,
  });
}

/** The documents of a file that Kubernetes reads as YAML 1.1 or JSON (sigs.k8s.io/yaml). */
function readDocuments(source: string, path: string): readonly Document.Parsed[] {
  const documents = parseYamlDocuments(source, { version: '1.1' });
  const error = documents.flatMap(({ errors }) => errors)[0];
  if (error !== undefined) {
    throw invalid(path, `line ${lineOfYamlError(source, error)} is not valid YAML (${error.code})`);
  }
  return documents;
}

function valuesOf(documents: readonly Document.Parsed[], path: string): readonly unknown[] {
  try {
    return documents.map((document) => document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown);
  } catch (cause) {
    throw invalid(path, 'it has an unknown alias, or too many', cause);
  }
}

function* textsIn(value: unknown, keys: readonly string[]): Generator<ConfigurationText> {
  if (typeof value === 'string') yield { keys, text: value };
  else if (typeof value === 'object' && value !== null) {
    for (const [key, each] of Object.entries(value)) yield* textsIn(each, [...keys, key]);
  }
}

/**
 * Every string of a YAML or JSON file, in order; an alias counts where it is used.
 *
 * @throws NodeConfigError `CONFIGURATION_INVALID`; the message never quotes the file
 */
export function readConfigurationTexts(source: string, path: string): readonly ConfigurationText[] {
  return valuesOf(readDocuments(source, path), path).flatMap((value) => [...textsIn(value, [])]);
}

/** The strings of a document that are not keys, from the last to the first. */
function scalarsOf(documents: readonly Document.Parsed[]): readonly Scalar[] {
  const scalars: Scalar[] = [];
  for (const document of documents) {
    visit(document, {
      Scalar: (key, node) => {
        if (key !== 'key') scalars.push(node);
      },
    });
  }
  return scalars.toReversed();
}

function mapTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, replace));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, replace)]));
}

/** A block scalar decides by its header how many line breaks it ends with. */
function withoutEnd(value: unknown): unknown {
  return mapTexts(value, (text) => text.replace(/\n+$/, ''));
}

/**
 * Replaces strings of a YAML or JSON file in the indentation and quotes that they have; every other byte stays. The result is
 * parsed again before it is returned: the replaced strings have their new value, and every other value is deeply equal.
 * Only the line breaks at the end of a replaced string may differ.
 *
 * @param replace the new value of a string; the same string leaves it unchanged
 * @throws NodeConfigError `CONFIGURATION_INVALID`; `CONFIGURATION_UNSUPPORTED` when a string cannot be replaced in its style;
 * and what `replace` throws
 */
export function replaceConfigurationTexts(source: string, path: string, replace: (text: string) => string): string {
  const documents = readDocuments(source, path);
  const before = valuesOf(documents, path);
  let result = source;
  for (const node of scalarsOf(documents)) {
    if (!isScalar(node) || typeof node.value !== 'string') continue;
    const value = replace(node.value);
    if (value === node.value) continue;
    const [start, end] = node.range ?? [0, 0];
    const raw = renderScalar({ raw: source.slice(start, end), style: node.type, value: node.value }, value);
    if (raw === undefined) throw unsupported(path);
    result = result.slice(0, start) + raw + result.slice(end);
  }
  if (result === source) return source;
  const expected = before.map((value) => withoutEnd(mapTexts(value, replace)));
  if (!isDeepStrictEqual(readAgain(result, path).map(withoutEnd), expected)) throw unsupported(path);
  return result;
}

function readAgain(source: string, path: string): readonly unknown[] {
  try {
    return valuesOf(readDocuments(source, path), path);
  } catch (cause) {
    throw unsupported(path, cause);
  }
}

function unsupported(path: string, cause?: unknown): NodeConfigError {
  return new NodeConfigError({
    code: 'CONFIGURATION_UNSUPPORTED',
    message: 'cannot replace a value of the configuration file without a change of others; nothing was changed',
    subject: path,
    hint: 'replace the certificate in the file by hand',
    cause,
  });
}

/** Whether the first document of a text is a YAML or JSON object, as every configuration of Kubernetes is. */
export function isConfiguration(source: string): boolean {
  const [document] = parseYamlDocuments(source, { version: '1.1' });
  return document !== undefined && document.errors.length === 0 && isMap(document.contents);
}
