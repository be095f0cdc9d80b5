import { isAlias, isMap, isPair, isScalar, isSeq, type Node, visit } from 'yaml';
import { lineOfYamlError, parseYamlDocuments } from '../yaml-documents.ts';

/** A value as go-yaml v2 resolves it; `node` is where it is written. */
export type GoValue =
  | { readonly is: 'null' | 'boolean' | 'number'; readonly text: string; readonly node: Node }
  | { readonly is: 'string'; readonly text: string; readonly node: Node }
  | { readonly is: 'list'; readonly items: readonly GoValue[]; readonly node: Node }
  | GoMap;

export interface GoMap {
  readonly is: 'map';
  readonly entries: ReadonlyMap<string, GoValue>;
  readonly node: Node;
}

/** Why a text is no YAML for Kubernetes. The reason quotes nothing of the text. */
export class YamlFault extends Error {}

/** As many values as a kubeconfig of thousands of clusters has; aliases can expand without limit. */
const MOST_VALUES = 200_000;
const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const BOOLEANS = /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF|true|True|TRUE|false|False|FALSE)$/;
const INFINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
/** go-yaml keeps a date as the string that it is. */
const DATE = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?$/;
/** What go-yaml's reader takes (`readerc.go`); a byte order mark has been removed. */
// oxlint-disable-next-line no-control-regex
const REFUSED_CHARACTER = /[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
/** Allowed in JSON, and an unknown escape for go-yaml. */
const ESCAPED_SLASH = /^"(?:[^\\]|\\[^/])*\\\//;
const CORE_TAG = /^(?:!!|tag:yaml\.org,2002:)/;

/**
 * Reads the first document of a text as Kubernetes does (sigs.k8s.io/yaml 1.4, go-yaml v2): YAML 1.1 without sexagesimal
 * numbers, the last of equal keys wins, aliases and merge keys are resolved, control characters are refused.
 *
 * Stricter in three points: YAML's own tags other than `!!str`, `!!map` and `!!seq`, keys that are not plain text, and aliases that expand
 * to more than 200,000 values are refused.
 * @throws YamlFault
 */
export function readGoYaml(source: string): GoValue {
  const refused = REFUSED_CHARACTER.exec(source);
  if (refused !== null) throw new YamlFault(`line ${lineAt(source, refused.index)} has a control character`);
  const [document, next] = parseYamlDocuments(source, { version: '1.1', schema: 'failsafe', merge: false });
  // The last of equal keys wins here.
  const error = document?.errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  if (error !== undefined) {
    throw new YamlFault(`line ${lineOfYamlError(source, error)} is not valid YAML (${error.code})`);
  }
  const root = document?.contents;
  if (document === undefined || root === null || root === undefined) {
    return { is: 'null', text: '', node: { range: [0, 0, 0] } as Node };
  }
  assertNoTabs(source.slice(0, next?.range?.[0] ?? source.length), root);
  let count = 0;
  const pending = new Set<Node>();

  const read = (node: unknown): GoValue => {
    count += 1;
    if (count > MOST_VALUES) throw new YamlFault('it has too many values');
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined || pending.has(target)) throw fault(node, 'has an alias of itself');
      return { ...read(target), node };
    }
    if (isScalar(node)) return readScalar(node.source ?? '', node.type === 'PLAIN', node);
    if (!isMap(node) && !isSeq(node)) throw new YamlFault('it has a value of no known kind');
    assertTag(node, isMap(node) ? 'map' : 'seq');
    pending.add(node);
    const value: GoValue = isSeq(node) ? { is: 'list', items: node.items.map(read), node } : readMap(node, node.items);
    pending.delete(node);
    return value;
  };

  const readMap = (node: Node, items: readonly unknown[]): GoMap => {
    const entries = new Map<string, GoValue>();
    for (const pair of items) {
      if (!isPair(pair) || !isScalar(pair.key)) throw fault(node, 'has a key that is not a string');
      const key = readScalar(pair.key.source ?? '', pair.key.type === 'PLAIN', pair.key);
      if (key.is === 'null') throw fault(pair.key, 'has a key without a name');
      const value = read(pair.value ?? pair.key);
      if (pair.key.type === 'PLAIN' && key.text === '<<') merge(entries, pair.value === null ? undefined : value);
      else entries.set(key.text, pair.value === null ? { ...key, is: 'null', text: '' } : value);
    }
    return { is: 'map', entries, node };
  };

  /** In the order of the text: a later key overrides, and an earlier one is overridden, as in go-yaml v2. */
  const merge = (into: Map<string, GoValue>, value: GoValue | undefined): void => {
    const maps = value?.is === 'list' ? value.items.toReversed() : [value];
    for (const each of maps) {
      if (each?.is !== 'map') throw new YamlFault('a merge key (<<) merges no map');
      for (const [key, merged] of each.entries) into.set(key, merged);
    }
  };

  const readScalar = (text: string, isPlain: boolean, node: Node): Exclude<GoValue, { is: 'list' | 'map' }> => {
    const tag = assertTag(node, 'str');
    if (!isPlain || tag !== undefined) {
      const [start = 0, end = start] = node.range ?? [];
      if (ESCAPED_SLASH.test(source.slice(start, end))) throw fault(node, String.raw`has \/, which Go does not read`);
      return { is: 'string', text, node };
    }
    if (INFINITE.test(text)) throw fault(node, 'has a number that JSON does not have');
    return { is: kindOfPlain(text), text, node };
  };

  /** @returns the explicit tag */
  const assertTag = (node: Node, expected: string): string | undefined => {
    const tag = (node as { readonly tag?: string }).tag;
    if (tag !== undefined && CORE_TAG.test(tag) && tag.replace(CORE_TAG, '') !== expected) {
      throw fault(node, 'has a tag of another type');
    }
    return tag;
  };

  const fault = (node: unknown, reason: string): YamlFault =>
    new YamlFault(`line ${lineAt(source, (node as Node).range?.[0] ?? 0)} ${reason}`);

  return read(root);
}

function kindOfPlain(text: string): 'null' | 'boolean' | 'number' | 'string' {
  if (NULLS.has(text)) return 'null';
  if (BOOLEANS.test(text)) return 'boolean';
  if (DATE.test(text)) return 'string';
  const digits = /^[-+0-9]/.test(text) ? text.replaceAll('_', '') : text;
  return INTEGER.test(digits) || FLOAT.test(digits) ? 'number' : 'string';
}

function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length;
}

/**
 * Where a line begins with blanks and a tab, go-yaml finds no token, or takes the tab for wrong indentation; the parser used here
 * skips it. Inside quotes, block texts, braces and brackets a tab is text or space.
 *
 * @throws YamlFault
 */
function assertNoTabs(source: string, root: Node): void {
  if (!/^ *\t/m.test(source)) return;
  const spans: (readonly [start: number, end: number])[] = [];
  visit(root, {
    Scalar: (_, node, ancestors) => {
      const [start, end] = node.range ?? [0, 0];
      if (node.type !== 'PLAIN') spans.push([start, end]);
      else spans.push([start, assertPlain(source, start, end, columnOfBlock(source, ancestors))]);
    },
    Collection: (_, node) => {
      if (node.flow === true && node.range) spans.push([node.range[0], node.range[1]]);
    },
  });
  for (const { index, 0: blanks } of source.matchAll(/^ *\t/gm)) {
    const tab = index + blanks.length - 1;
    if (!spans.some(([start, end]) => start <= tab && tab < end)) {
      throw new YamlFault(`line ${lineAt(source, index)} is indented with a tab`);
    }
  }
}

/** A plain text may go on in the next lines: a tab is wrong there up to the column of its block. Returns the end of its blanks. */
function assertPlain(source: string, start: number, end: number, column: number): number {
  const blanks = /^\s*/.exec(source.slice(end))?.[0].length ?? 0;
  for (const { index, 0: line } of source.slice(start, end + blanks).matchAll(/(?<=\n) *\t/g)) {
    if (line.length - 1 <= column) throw new YamlFault(`line ${lineAt(source, start + index)} is indented with a tab`);
  }
  return end + blanks;
}

function columnOfBlock(source: string, ancestors: readonly unknown[]): number {
  const block = ancestors.findLast((each) => (isMap(each) || isSeq(each)) && each.flow !== true) as Node | undefined;
  const start = block?.range?.[0];
  return start === undefined ? -1 : start - (source.lastIndexOf('\n', start - 1) + 1);
}
