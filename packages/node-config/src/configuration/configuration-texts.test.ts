import { hostPath } from '@kube-rescue/host';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { isConfiguration, readConfigurationTexts, replaceConfigurationTexts } from './configuration-texts.ts';

const PATH = hostPath('/etc/kubernetes/authn.yaml');
const OLD = '-----BEGIN CERTIFICATE-----\nT0xE\nT0xE\n-----END CERTIFICATE-----\n';
const NEW = '-----BEGIN CERTIFICATE-----\nTkVX\n-----END CERTIFICATE-----\n';
const BOTH = NEW + OLD;
const indented = (pem: string, blanks: string): string => pem.replaceAll(/^(?=.)/gm, blanks);
const swap = (to: string) => (text: string) => text.replace(OLD.trimEnd(), to.trimEnd());
const replaceIn = (source: string, to = NEW): string => replaceConfigurationTexts(source, PATH, swap(to));
const valueOf = (source: string): unknown =>
  parseAllDocuments(source, { version: '1.1' }).map((document) => document.toJS() as unknown);

const rest = (block: string): string =>
  `# keep  me\napiVersion: apiserver.config.k8s.io/v1\njwt:\n- issuer:\n    url: "https://a"   # here\n${block}  claimMappings: {username: {claim: sub, prefix: ""}}\n`;

describe('a certificate inside YAML is replaced in the form that it has', () => {
  it.each([
    ['a literal block', '|', (pem: string) => indented(pem, '      ')],
    ['a literal block without a last line break', '|-', (pem: string) => indented(pem, '      ')],
    ['a literal block that keeps line breaks', '|+', (pem: string) => `${indented(pem, '      ')}\n`],
    ['a literal block that states its indentation', '|4', (pem: string) => indented(pem, '        ')],
    ['a literal block of one blank more', '|', (pem: string) => indented(pem, '     ')],
  ])('%s', (_title, header, body) => {
    const file = (pem: string): string => rest(`    certificateAuthority: ${header}\n${body(pem)}`);
    expect(replaceIn(file(OLD))).toBe(file(NEW));
    expect(replaceIn(file(OLD), BOTH)).toBe(file(BOTH));
    expect(replaceIn(file(`# the old one\n${OLD}`))).toBe(file(`# the old one\n${NEW}`));
  });

  it.each([
    ['double quotes', (pem: string) => JSON.stringify(pem)],
    ['single quotes', (pem: string) => `'${pem.replaceAll('\n', '\n\n      ')}'`],
    ['no quotes', (pem: string) => pem.trimEnd().replaceAll('\n', '\n\n      ')],
    ['a folded block', (pem: string) => `>\n${pem.trimEnd().replaceAll(/^/gm, '      ').replaceAll('\n', '\n\n')}\n`],
  ])('%s', (_title, quote) => {
    const file = (pem: string): string => rest(`    certificateAuthority: ${quote(pem)}\n`);
    expect(valueOf(replaceIn(file(OLD)))).toEqual(valueOf(file(NEW)));
    expect(replaceIn(file(OLD))).toBe(file(NEW));
    expect(replaceIn(file(OLD), BOTH)).toBe(file(BOTH));
  });

  it('with CR LF at the end of each line', () => {
    const file = (pem: string): string =>
      rest(`    certificateAuthority: |\n${indented(pem, '      ')}`).replaceAll('\n', '\r\n');
    expect(replaceIn(file(OLD))).toBe(file(NEW));
  });

  it('at the end of a file without a line break', () => {
    const file = (pem: string): string => `a: 1\nca: |\n${indented(pem, '  ')}`.trimEnd();
    expect(replaceIn(file(OLD))).toBe(file(NEW));
  });

  it('once for an anchor and all its aliases', () => {
    const file = (pem: string): string => `a:\n  ca: &ca |\n${indented(pem, '    ')}b:\n  ca: *ca\n`;
    expect(replaceIn(file(OLD))).toBe(file(NEW));
  });

  it('in every document, after a byte order mark', () => {
    const file = (pem: string): string => `\ufeff---\na: |\n${indented(pem, '  ')}---\nb: |\n${indented(pem, ' ')}`;
    expect(replaceIn(file(OLD))).toBe(file(NEW));
  });
});

describe('a certificate inside JSON is replaced', () => {
  it('with tabs, escaped slashes and escaped characters kept', () => {
    const file = (pem: string): string =>
      `{\n\t"kind": "AuthenticationConfiguration",\n\t"jwt": [{"issuer": {"url": "https:\\/\\/a\\u002fb", "certificateAuthority": ${JSON.stringify(`keep \u00e9`).slice(0, -1)}\\/\\n${JSON.stringify(pem).slice(1)}}}]\n}\n`;
    expect(JSON.parse(file(OLD))).toBeTruthy();
    expect(replaceIn(file(OLD))).toBe(file(NEW));
  });
});

describe('the file is refused', () => {
  it.each([
    ['when it is not YAML', `a: |\n  x\n ${OLD}`, 'CONFIGURATION_INVALID'],
    ['when a key is there twice', `a: 1\na: 2\nca: |\n${indented(OLD, '  ')}`, 'CONFIGURATION_INVALID'],
    ['when an alias has no anchor', `a: *nothing\nca: |\n${indented(OLD, '  ')}`, 'CONFIGURATION_INVALID'],
  ])('%s', (_title, source, code) => {
    expect(() => replaceIn(source)).toThrowError(expect.objectContaining({ code, subject: PATH }));
  });

  it('when the new value has no form in the style of the old one', () => {
    const replace = (text: string): string => text.replace('x', ' leading: blank #');
    expect(() => replaceConfigurationTexts('a: x\n', PATH, replace)).toThrowError(
      expect.objectContaining({ code: 'CONFIGURATION_UNSUPPORTED' }),
    );
  });
});

it('any string of any document takes any other text, or the file is refused; nothing else changes', () => {
  const json = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constant('MARK'), fc.integer(), fc.boolean()));
  fc.assert(
    fc.property(json, fc.string(), (object, next) => {
      const source = JSON.stringify({ kind: 'X', ...object }, null, 2);
      let result: string;
      try {
        result = replaceConfigurationTexts(source, PATH, (text) => (text === 'MARK' ? next : text));
      } catch (error) {
        expect(error).toMatchObject({ subject: PATH });
        return;
      }
      const trimmed = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
      const wanted = Object.fromEntries(
        Object.entries({ kind: 'X', ...object }).map(([key, each]) => [key, each === 'MARK' ? next : each]),
      );
      expect(trimmed(JSON.parse(result))).toEqual(trimmed(wanted));
    }),
  );
});

it('lists every string with its path', () => {
  expect(readConfigurationTexts('a: [{b: x}, z]\nc: 1\n', PATH)).toEqual([
    { keys: ['a', '0', 'b'], text: 'x' },
    { keys: ['a', '1'], text: 'z' },
  ]);
});

it('PEM is no configuration, and neither is a list', () => {
  expect(isConfiguration(OLD)).toBe(false);
  expect(isConfiguration('- a\n')).toBe(false);
  expect(isConfiguration('kind: Config\n')).toBe(true);
  expect(isConfiguration('{"kind": "Config"}')).toBe(true);
});
