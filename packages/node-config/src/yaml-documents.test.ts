import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lineOfYamlError, parseYamlDocuments } from './yaml-documents.ts';

const codesOf = (source: string) => parseYamlDocuments(source).flatMap(({ errors }) => errors.map(({ code }) => code));
const nested = (open: string, close: string, levels: number) => `${open.repeat(levels)}1${close.repeat(levels)}`;

describe('a text of YAML documents', () => {
  it('is read document by document, with the options of the library', () => {
    const documents = parseYamlDocuments('a: 010\n---\nb: [x]\n', { version: '1.1' });
    expect(documents.map((document) => document.toJS() as unknown)).toEqual([{ a: 8 }, { b: ['x'] }]);
    expect(codesOf('')).toEqual([]);
  });

  it('reports the line of an error', () => {
    const source = 'a: 1\nb: [1\nc: 2\n';
    const [document] = parseYamlDocuments(source);
    expect(document?.errors.map((error) => lineOfYamlError(source, error))[0]).toBe(3);
  });

  it.each([
    ['flow lists', '[', ']'],
    ['flow maps', '{a: ', '}'],
    ['JSON', '{"a":', '}'],
  ])('may nest %s 256 levels deep', (_, open, close) => {
    expect(codesOf(nested(open, close, 120))).toEqual([]);
  });

  it.each([
    ['flow lists', '['],
    ['flow maps', '{a: '],
    ['JSON', '{"a":'],
    ['lists on one line', '- '],
    ['maps on one line', 'a: '],
    ['keys', '? '],
    ['anchors', '&a ['],
  ])('is refused, and at once, when it nests %s for ever', (_, open) => {
    const source = `first: 1\n---\n${open.repeat(50_000)}`;
    const [document, ...others] = parseYamlDocuments(source);
    expect(others).toEqual([]);
    expect(document?.contents).toBeNull();
    expect(document?.errors.map(({ code }) => code)).toEqual(['RESOURCE_EXHAUSTION']);
    expect(document?.errors.map((error) => lineOfYamlError(source, error))).toEqual([3]);
  });

  it.each([
    ['a list', '[a, b]: 1'],
    ['a map', '? {a: 1}\n: 1'],
    ['an alias', 'a: &x b\n*x : 1'],
  ])('has no %s for a key, and prints nothing of it', async (_, source) => {
    const warnings: Error[] = [];
    const keep = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', keep);
    expect(codesOf(source)).toEqual(['NON_STRING_KEY']);
    parseYamlDocuments(source)[0]?.toJS();
    // Node emits a warning in the next tick.
    await nextTurn();
    process.off('warning', keep);
    expect(warnings).toEqual([]);
  });

  it('must not repeat a key of a map', () => {
    expect(codesOf('a: 1\nb: {c: 1, c: 2}\n')).toEqual(['DUPLICATE_KEY']);
    expect(codesOf('a: 1\nb: {a: 1}\nc: {a: 1}\n')).toEqual([]);
  });
});

it('a text is parsed once for the same options, and again for others', () => {
  const text = 'kept: once';
  expect(parseYamlDocuments(text)).toBe(parseYamlDocuments(text));
  const strict = parseYamlDocuments(text, { schema: 'failsafe' });
  expect(strict).not.toBe(parseYamlDocuments(text));
  expect(parseYamlDocuments(text, { schema: 'failsafe' })).toBe(strict);
});

it('texts do not pile up', () => {
  const first = parseYamlDocuments('kept: for a while');
  const long = 'x'.repeat(60_000);
  for (let index = 0; index < 40; index += 1) parseYamlDocuments(`number: ${index}\ntext: ${long}`);
  expect(parseYamlDocuments('kept: for a while')).not.toBe(first);
  const huge = `text: ${'x'.repeat(70_000)}`;
  expect(parseYamlDocuments(huge)).not.toBe(parseYamlDocuments(huge));
});
