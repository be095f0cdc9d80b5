import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePem, readPem } from './pem.ts';

const expectFailure = (text: string, code = 'PKI_PEM_INVALID'): void => {
  expect(() => readPem(text, '/etc/x.pem')).toThrowError(expect.objectContaining({ code, subject: '/etc/x.pem' }));
};

describe('reading PEM', () => {
  it('gives back what was written, between any junk and with any line breaks', () => {
    const junk = fc.string().filter((text) => !text.includes('-----'));
    const blocks = fc.array(
      fc.tuple(fc.constantFrom('CERTIFICATE', 'EC PRIVATE KEY'), fc.uint8Array({ minLength: 1 }), junk),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(blocks, fc.constantFrom('\n', '\r\n', '\r'), (expected, lineBreak) => {
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
});
