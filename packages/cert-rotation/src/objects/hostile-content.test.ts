import { findKind } from '@kube-rescue/cluster-objects';
import { startCpuTime } from '@kube-rescue/testing';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCaExchange } from './ca-exchange.ts';
import { issueCa, type Issued } from './issued.fixture.ts';
import { inspectObject } from './object-inventory.ts';
import { sweepObject } from './trust-sweep.ts';

const now = new Date();
let old: Issued;
let fresh: Issued;
beforeAll(async () => {
  [old, fresh] = await Promise.all([issueCa('kubernetes'), issueCa('kubernetes')]);
});

const secretOf = (key: string, bytes: Uint8Array) => {
  const metadata = { name: 's', namespace: 'default' };
  const data = { [key]: Buffer.from(bytes).toString('base64') };
  const object = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, data };
  return { kind: findKind('Secret'), object };
};

describe('hostile content', () => {
  it('is judged without a failure and without leaking a key', () => {
    const pieces = fc.constantFrom(
      ...[old.certificate, old.key, old.certificate.slice(0, 90), '-----BEGIN CERTIFICATE-----\n', '\r\n', '\0', 'ä'],
      ...[
        '-----END CERTIFICATE-----\n',
        '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
      ],
      ...[
        'certificate-authority-data: ',
        Buffer.from(old.certificate).toString('base64'),
        'A'.repeat(80),
        '0\x82\x01\x00',
      ],
    );
    const text = fc.array(pieces, { maxLength: 12 }).map((parts) => Buffer.from(parts.join('')));
    const content = fc.oneof(
      text,
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array().map((tail) => new Uint8Array([0x30, ...tail])),
    );
    const key = fc.constantFrom('tls.crt', 'ca.crt', '__proto__', 'constructor', 'any');
    const exchange = readCaExchange({ old: old.certificate, replacement: old.certificate + fresh.certificate });
    fc.assert(
      fc.property(key, content, (name, bytes) => {
        const read = secretOf(name, bytes);
        const reported = JSON.stringify(inspectObject(read, { now }));
        expect(reported).not.toContain(old.key.split('\n')[1]);
        const { edited } = sweepObject(read, { exchange, tokens: [], everywhere: true });
        // A second pass finds no edit.
        expect(sweepObject({ ...read, object: edited }, { exchange, tokens: [], everywhere: true }).edits).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('takes time proportional to its size', () => {
    const blocks = secretOf('any', Buffer.from(old.certificate.repeat(1400)));
    const openEnded = secretOf('any', Buffer.from('-----BEGIN CERTIFICATE-----\n'.repeat(35_000)));
    const embedded = secretOf('any', Buffer.from('certificate-authority-data: '.repeat(35_000)));
    const spentMs = startCpuTime();
    const found = [blocks, openEnded, embedded].map((read) => inspectObject(read, { now }).length);
    expect(found).toEqual([1400, 1, 0]);
    expect(spentMs()).toBeLessThan(5000);
  });
});
