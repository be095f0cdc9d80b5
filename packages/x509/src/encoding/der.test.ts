import { X509Error } from '../errors.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCertificates } from '../certificate/certificate.ts';
import { encodeDer, readDerElements, readDerSequence } from './der.ts';
import { makePair, openOpenSsl } from '../openssl.fixture.ts';

describe('DER', () => {
  it('gives back what was encoded, at every length', () => {
    const content = fc.oneof(
      fc.uint8Array(),
      fc.constantFrom(127, 128, 255, 256, 65_536).map((size) => new Uint8Array(size)),
    );
    fc.assert(
      fc.property(content, content, (first, second) => {
        const sequence = encodeDer(0x30, encodeDer(0x04, first), encodeDer(0x0c, second));
        const read = readDerSequence(sequence);
        expect(read.map(({ tag }) => tag)).toEqual([0x04, 0x0c]);
        expect(read.map((element) => Buffer.from(element.content))).toEqual(
          [first, second].map((each) => Buffer.from(each)),
        );
      }),
    );
  });

  it('is refused as a typed error, never otherwise, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          for (const element of readDerElements(bytes)) readDerSequence(element.bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(X509Error);
        }
      }),
    );
  });
});

describe('a certificate', () => {
  it('that is damaged anywhere is refused as a typed error or read', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'ECDSA P-256', leaf: 'ECDSA P-256', subject: '/CN=x', extensions: 'subjectAltName=DNS:x' });
    const der = Buffer.from(parseCertificates(openssl.read('old.crt'), 'x')[0].der);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), (at, value) => {
        const damaged = Buffer.from(der);
        damaged[at] = value;
        const pem = `-----BEGIN CERTIFICATE-----\n${damaged.toString('base64')}\n-----END CERTIFICATE-----\n`;
        try {
          parseCertificates(pem, '/x.crt');
        } catch (error) {
          expect(error).toBeInstanceOf(X509Error);
          expect(error).toMatchObject({ subject: '/x.crt' });
        }
      }),
    );
  });

  it('is asked for where only a key is', () => {
    const text = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    expect(() => parseCertificates(text, 'x')).toThrowError(expect.objectContaining({ code: 'PKI_PEM_INVALID' }));
  });
});
