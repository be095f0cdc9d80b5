import {
  Composer,
  type CST,
  Document,
  type DocumentOptions,
  isNode,
  isScalar,
  Lexer,
  type ParseOptions,
  Parser,
  type SchemaOptions,
  visit,
  type YAMLMap,
  YAMLParseError,
} from 'yaml';

/** Parser options. */
export type YamlOptions = Omit<
  ParseOptions & DocumentOptions & SchemaOptions,
  'logLevel' | 'prettyErrors' | 'uniqueKeys'
>;

/** Deeper than any kind of Kubernetes: in the schema of a custom resource each level is two maps. */
const DEEPEST_NESTING = 256;

/** Longer texts are parsed each time. */
const KEPT_LENGTH = 64 * 1024;
/** Then all are forgotten. */
const MOST_KEPT_LENGTH = 2 * 1024 * 1024;

/** Documents by options and text: a recovery reads the same dozen files a hundred times, and each reading is judged by itself. */
const parsed = new Map<string, readonly Document.Parsed[]>();
let keptLength = 0;

/**
 * Parses the documents of an untrusted YAML or JSON text.
 *
 * `errors` of a document lists its errors; their messages may quote the document. Two more errors are reported: nesting deeper
 * than 256 levels (`RESOURCE_EXHAUSTION`; then nothing of the text is parsed), because the parser and its users recurse for
 * each level; and a key that is a map, a list or an alias (`NON_STRING_KEY`), which Kubernetes cannot convert to JSON
 * either. Aliases are not resolved: give `toJS` a `maxAliasCount`. Prints nothing.
 *
 * The documents are shared by all who give the same text: change none of them.
 *
 * @param options of the `yaml` library
 */
export function parseYamlDocuments(source: string, options: YamlOptions = {}): readonly Document.Parsed[] {
  if (source.length > KEPT_LENGTH) return parseUnkept(source, options);
  const key = `${JSON.stringify(options)} ${source}`;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const documents = parseUnkept(source, options);
  if (keptLength + key.length > MOST_KEPT_LENGTH) {
    parsed.clear();
    keptLength = 0;
  }
  parsed.set(key, documents);
  keptLength += key.length;
  return documents;
}

function parseUnkept(source: string, options: YamlOptions): readonly Document.Parsed[] {
  // The parser compares each key with every other key of its map: thirty thousand keys take eight seconds.
  const settings = { ...options, prettyErrors: false, logLevel: 'silent', uniqueKeys: false } as const;
  const parser = new Parser();
  const composer = new Composer(settings);
  const documents = [...composer.compose(parseTokens(source, parser))] as Document.Parsed[];
  if (parser.stack.length > 0) return [refuseNesting(parser.offset, settings)];
  for (const document of documents) {
    visit(document, {
      Map: (_, map) => {
        const error = findWrongKey(map);
        if (error === undefined) return undefined;
        document.errors.push(error);
        return visit.BREAK;
      },
    });
  }
  return documents;
}

function findWrongKey(map: YAMLMap): YAMLParseError | undefined {
  const known = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isNode(key)) continue;
    const [start = 0, end = start] = key.range ?? [];
    if (!isScalar(key)) return new YAMLParseError([start, end], 'NON_STRING_KEY', 'A key is not a string');
    if (known.has(key.value)) return new YAMLParseError([start, end], 'DUPLICATE_KEY', 'Map keys must be unique');
    known.add(key.value);
  }
  return undefined;
}

/** A document as plain data; `undefined` with aliases, which can expand without limit. */
export function readWithoutAliases(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

/** The number of the line, from 1, in which an error begins. */
export function lineOfYamlError(source: string, { pos: [start] }: YAMLParseError): number {
  return source.slice(0, start).split('\n').length;
}

/** Stops at the first token that is nested too deep, and keeps the parser's stack. */
function* parseTokens(source: string, parser: Parser): Generator<CST.Token> {
  for (const lexeme of new Lexer().lex(source)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > DEEPEST_NESTING) return;
  }
  yield* parser.end();
}

function refuseNesting(offset: number, options: YamlOptions): Document.Parsed {
  const document = new Document(undefined, options) as Document.Parsed;
  const message = `Nested deeper than ${DEEPEST_NESTING} levels`;
  document.errors.push(new YAMLParseError([offset, offset], 'RESOURCE_EXHAUSTION', message));
  return document;
}
