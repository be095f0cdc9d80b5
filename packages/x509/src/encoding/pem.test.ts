import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePem, readIndentedPem, readPem, straightenPem } from './pem.ts';

const expectFailure = (text: string, code = 'PKI_PEM_INVALID'): void => {
  expect(() => readPem(text, '/etc/x.pem')).toThrowError(expect.objectContaining({ code, subject: '/etc/x.pem' }));
};

describe('reading PEM', () => {
  it('gives back what was written, between any junk and with any line breaks', () => {
    const junk = fc.string().filter((text) => !text.includes('-----') && !text.endsWith('\r'));
    const blocks = fc.array(
      fc.tuple(fc.constantFrom('CERTIFICATE', 'EC PRIVATE KEY'), fc.uint8Array({ minLength: 1 }), junk),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(blocks, fc.constantFrom('\n', '\r\n'), (expected, lineBreak) => {
        const text = expected.map(([label, der, after]) => `\n${encodePem(label, der)}${after}`).join('');
        const read = readPem(text.replaceAll('\n', lineBreak), 'x');
        expect(read.map(({ label, der }) => [label, Buffer.from(der)])).toEqual(
          expected.map(([label, der]) => [label, Buffer.from(der)]),
        );
      }),
    );
  });

  it.each([
    ['an empty file', ''],
    ['a file without a block', 'hello'],
    ['binary DER', '\x30\x82\x01\x00'],
    ['a block that is cut off', encodePem('CERTIFICATE', Buffer.alloc(90)).slice(0, 80)],
    [
      'a block that another one interrupts',
      `-----BEGIN CERTIFICATE-----\nAAAA\n${encodePem('CERTIFICATE', Buffer.alloc(9))}`,
    ],
    ['a block that is not base64', '-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----\n'],
    ['a block with a part of a group', '-----BEGIN CERTIFICATE-----\nAAAAA\n-----END CERTIFICATE-----\n'],
    ['an empty block', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
  ])('refuses %s by name', (_title, text) => expectFailure(text));

  const block = encodePem('CERTIFICATE', Buffer.alloc(90, 7));
  const MISSHAPEN = [
    ['blanks before each line', block.replaceAll(/^(?=.)/gm, '    '), 'begins with blanks'],
    ['a tab before each line', block.replaceAll(/^(?=.)/gm, '\t'), 'begins with blanks'],
    ['a carriage return alone at each end of line', block.replaceAll('\n', '\r'), 'carriage return alone'],
    ['a byte order mark', `\u00ef\u00bb\u00bf${block}`, 'byte order mark'],
  ] as const;

  it.each(MISSHAPEN)('finds no block in a file with %s, as Go does, and names the cause', (_title, text, cause) => {
    expect(() => readPem(text, '/etc/x.pem')).toThrowError(
      expect.objectContaining({ code: 'PKI_PEM_INVALID', message: expect.stringContaining(cause) }),
    );
  });

  it.each(MISSHAPEN)('straightens a file with %s', (_title, text) => {
    expect(straightenPem(text)).toBe(block);
  });

  it('straightens neither a file that Go can read nor one with another fault', () => {
    expect(straightenPem(`# comment\n  indented comment\n${block}`)).toBeUndefined();
    expect(straightenPem('  -----BEGIN CERTIFICATE-----\n  AA*A\n  -----END CERTIFICATE-----\n')).toBeUndefined();
    expect(straightenPem('')).toBeUndefined();
    expect(straightenPem(`ca: |\n${block.replaceAll(/^(?=.)/gm, '  ')}`)).toBeUndefined();
  });

  it('reads blocks inside another text for a report', () => {
    expect(readIndentedPem(`ca: |\n${block.replaceAll(/^(?=.)/gm, '  ')}`, 'x').map(({ label }) => label)).toEqual([
      'CERTIFICATE',
    ]);
  });

  it('does not end a block at an indented end line', () => {
    expectFailure(block.replace('-----END', '  -----END'));
  });
});
