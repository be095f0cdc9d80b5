import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { tracesOf } from './traces.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Random bytes in PEM; only the lines matter. */
function pem(): string {
  const lines =
    randomBytes(600)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

describe('the traces of a certificate', () => {
  const expired = pem();
  const finds = (text: string): boolean => tracesOf(expired).some((trace) => text.includes(trace));

  it('are found in a file, and in the data of a Secret or a kubeconfig', () => {
    expect(finds(`first\n${expired}`)).toBe(true);
    expect(finds(`certificate-authority-data: ${base64(expired)}\n`)).toBe(true);
  });

  it.each([0, 1, 2, 3])('are found in a bundle of which it is the second, %i bytes further on', (offset) => {
    expect(finds(base64('\n'.repeat(offset) + pem() + expired))).toBe(true);
  });

  it('are not found in another certificate', () => {
    expect(finds(pem())).toBe(false);
    expect(finds(base64(pem()))).toBe(false);
  });
});
