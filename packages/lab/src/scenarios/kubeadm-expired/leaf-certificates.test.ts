import { describe, expect, it } from 'vitest';
import { splitPem } from './leaf-certificates.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN EC PRIVATE KEY-----\nBBBB\n-----END EC PRIVATE KEY-----\n';

describe('a file with certificate and key', () => {
  it.each([
    ['certificate first', CERTIFICATE + KEY],
    ['key first', KEY + CERTIFICATE],
  ])('is split with the %s', (_, text) => {
    expect(splitPem(text)).toEqual({ certificate: CERTIFICATE, key: KEY });
  });

  it('is rejected when the key is missing', () => {
    expect(splitPem(CERTIFICATE)).toBeUndefined();
  });
});
