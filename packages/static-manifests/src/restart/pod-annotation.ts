import { type ParsedManifest, parseManifest } from '@kube-rescue/node-config';
import { isDeepStrictEqual } from 'node:util';
import { isAlias, isMap, isScalar, type Pair, type ParsedNode, type YAMLMap } from 'yaml';
import { ManifestError } from '../errors.ts';

type Entry = Pair<ParsedNode, ParsedNode | null>;

/** Replaces `source[start, end)` by `text`. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Sets one annotation in the text of a Pod manifest and keeps every other byte.
 *
 * Comments, order, indentation, quotes, line ends, anchors and a byte order mark survive, in YAML of either style and in
 * JSON. Returns the text unchanged when the annotation has that value already. Writes nothing.
 * @param subject the file's path, for messages
 * @throws ManifestError `MANIFEST_INVALID`; `MANIFEST_UNEDITABLE` when `metadata` or its annotations are shared through
 * anchors, aliases or merge keys, or cannot be extended without further changes
 */
export function setPodAnnotation(source: string, key: string, value: string, subject = 'manifest'): string {
  const before = parseManifest(source, subject);
  if (annotationsOf(before)[key] === value) return source;
  const edit = findSplice(before, source, key, value, subject);
  const edited = source.slice(0, edit.start) + edit.text + source.slice(edit.end);
  // Verifies the edit: the objects must be equal except for the one annotation.
  const after = parseManifest(edited, subject);
  if (!isDeepStrictEqual(after.object, withAnnotation(before.object, key, value))) {
    throw uneditable('adding an annotation would change something else, too', subject);
  }
  return edited;
}

function findSplice(manifest: ParsedManifest, source: string, key: string, value: string, subject: string): Splice {
  if (/\r(?!\n)/.test(source)) throw uneditable('the manifest has line ends of a lone carriage return', subject);
  const metadataEntry = entryOf(manifest.root, 'metadata', subject);
  const metadata = metadataEntry?.value;
  if (metadataEntry === undefined || !isMap(metadata) || metadata.items.length === 0) {
    if (isAlias(metadata)) throw uneditable('metadata is an alias of something else', subject);
    throw new ManifestError({
      code: 'MANIFEST_INVALID',
      message: 'the manifest has no metadata',
      subject,
      hint: 'restore the file from a backup',
    });
  }
  assertPlainMap(metadata, 'metadata', subject);

  const annotationsEntry = entryOf(metadata, 'annotations', subject);
  if (annotationsEntry === undefined) {
    const entry = `"annotations": {${JSON.stringify(key)}: ${quote(value)}}`;
    if (metadata.flow) return intoFlowMap(metadata, source, entry);
    return asFirstLine(metadataEntry, metadata, source, subject, (indent, endOfLine) => {
      const step = indent.length - columnOf(metadataEntry, source);
      return `${indent}annotations:${endOfLine}${indent}${' '.repeat(step)}${plainKey(key)}: ${quote(value)}`;
    });
  }

  const annotations = annotationsEntry.value;
  if (annotations === null || isNull(annotations)) {
    return intoNull(annotationsEntry, source, `{${quote(key)}: ${quote(value)}}`, subject);
  }
  if (!isMap(annotations)) throw uneditable('the annotations are an alias or not an object', subject);
  assertPlainMap(annotations, 'the annotations', subject);
  const existing = entryOf(annotations, key, subject);
  if (existing !== undefined) return intoValue(existing, source, quote(value), subject);
  if (annotations.flow) return intoFlowMap(annotations, source, `${quote(key)}: ${quote(value)}`);
  return asFirstLine(
    annotationsEntry,
    annotations,
    source,
    subject,
    (indent) => `${indent}${plainKey(key)}: ${quote(value)}`,
  );
}

/** A new line right below the key of the parent, so that comments stay above their keys. */
function asFirstLine(
  parent: Entry,
  map: YAMLMap.Parsed,
  source: string,
  subject: string,
  render: (indent: string, endOfLine: string) => string,
): Splice {
  const firstKey = (map.items[0] as Entry).key.range[0];
  const indent = source.slice(source.lastIndexOf('\n', firstKey - 1) + 1, firstKey);
  const newline = source.indexOf('\n', colonOf(parent, subject));
  if (!/^ +$/.test(indent) || newline === -1 || newline >= firstKey) {
    throw uneditable('the first key does not have its own line', subject);
  }
  const endOfLine = source[newline - 1] === '\r' ? '\r\n' : '\n';
  return { start: newline + 1, end: newline + 1, text: `${render(indent, endOfLine)}${endOfLine}` };
}

function intoFlowMap(map: YAMLMap.Parsed, source: string, entry: string): Splice {
  const at = map.range[0] + 1;
  if (map.items.length === 0) return { start: at, end: at, text: entry };
  // Same layout as the following entry, on the same line or on the next.
  const space = /^\s*/.exec(source.slice(at))?.[0] ?? '';
  const follows = space === '' ? ' ' : '';
  return { start: at, end: at, text: `${source[at + space.length] === '#' ? '' : space}${entry},${follows}` };
}

/** An absent or written-out null becomes `text`. */
function intoNull(entry: Entry, source: string, text: string, subject: string): Splice {
  const { value } = entry;
  if (isScalar(value) && (value.anchor !== undefined || value.tag !== undefined)) {
    throw uneditable('an empty value carries an anchor or a tag', subject);
  }
  const written = value === null ? '' : source.slice(value.range[0], value.range[1]);
  if (value !== null && written !== '') return { start: value.range[0], end: value.range[1], text };
  const at = colonOf(entry, subject) + 1;
  return { start: at, end: at, text: ` ${text}` };
}

function intoValue(entry: Entry, source: string, text: string, subject: string): Splice {
  const { value } = entry;
  if (value === null || isNull(value)) return intoNull(entry, source, text, subject);
  if (!isScalar(value) || value.anchor !== undefined || value.tag !== undefined) {
    throw uneditable('the annotation is shared, tagged or not a string', subject);
  }
  const [start, end] = value.range;
  // A block scalar owns the end of its last line.
  const endOfLine = /\r?\n$/.exec(source.slice(start, end))?.[0] ?? '';
  return { start, end, text: `${text}${endOfLine}` };
}

function entryOf(map: YAMLMap.Parsed, name: string, subject: string): Entry | undefined {
  const entry = map.items.find(({ key }) => isScalar(key) && key.value === name);
  if (entry?.srcToken?.start.some(({ type }) => type === 'explicit-key-ind' || type === 'anchor' || type === 'tag')) {
    throw uneditable(`the key ${name} is written in an unusual way`, subject);
  }
  return entry;
}

function assertPlainMap(map: YAMLMap.Parsed, what: string, subject: string): void {
  if (map.anchor !== undefined) throw uneditable(`${what} is shared through an anchor`, subject);
  if (map.tag !== undefined && map.tag !== 'tag:yaml.org,2002:map') throw uneditable(`${what} carries a tag`, subject);
  const first = map.items[0]?.srcToken?.start ?? [];
  if (map.items.some(({ key }) => isScalar(key) && key.source === '<<')) {
    throw uneditable(`${what} takes values from a merge key`, subject);
  }
  if (!map.flow && first.some(({ type }) => type === 'explicit-key-ind' || type === 'anchor' || type === 'tag')) {
    throw uneditable(`the first key of ${what} is written in an unusual way`, subject);
  }
}

function colonOf(entry: Entry, subject: string): number {
  const colon = entry.srcToken?.sep?.find(({ type }) => type === 'map-value-ind');
  if (colon === undefined) throw uneditable('a key has no colon', subject);
  return colon.offset;
}

function columnOf(entry: Entry, source: string): number {
  const start = entry.key.range[0];
  return source.slice(source.lastIndexOf('\n', start - 1) + 1, start).replace('\uFEFF', '').length;
}

function isNull(node: ParsedNode): boolean {
  return isScalar(node) && node.value === null;
}

/** JSON, YAML 1.1 and YAML 1.2 read only double quotes alike. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function plainKey(key: string): string {
  return /^[A-Za-z][\w.-]*\/[\w.-]*\w$/.test(key) ? key : quote(key);
}

function annotationsOf(manifest: ParsedManifest): Readonly<Record<string, unknown>> {
  const metadata = manifest.object.metadata as { annotations?: Record<string, unknown> | null } | null | undefined;
  return metadata?.annotations ?? {};
}

function withAnnotation(object: ParsedManifest['object'], key: string, value: string): unknown {
  const metadata = object.metadata as Record<string, unknown>;
  const annotations = (metadata.annotations ?? {}) as Record<string, unknown>;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [key]: value } } };
}

function uneditable(message: string, subject: string): ManifestError {
  return new ManifestError({
    code: 'MANIFEST_UNEDITABLE',
    message,
    subject,
    hint: 'write metadata and annotations in plain YAML, or restart the pod by moving the manifest away and back',
  });
}
