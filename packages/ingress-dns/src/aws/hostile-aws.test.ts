import { createFixedClock, expectCode } from '@kube-rescue/testing';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { boundedBody } from './answer-bounds.ts';
import { type AwsAccount, openAwsAccount } from './aws-account.ts';

const MIB = 1024 * 1024;
const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** An account whose endpoint is a server on this machine. */
async function serve(listener: RequestListener): Promise<AwsAccount> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  const account = openAwsAccount({ endpoints: { route53: url, sts: url } }, KEYS, { clock });
  cleanups.push(() => {
    account.close();
    server.closeAllConnections();
    server.close();
  });
  return account;
}

const zones = (more: string): string =>
  `<?xml version="1.0"?><ListHostedZonesResponse><HostedZones></HostedZones><MaxItems>100</MaxItems>${more}</ListHostedZonesResponse>`;
const records = (more: string): string =>
  `<?xml version="1.0"?><ListResourceRecordSetsResponse><ResourceRecordSets></ResourceRecordSets><MaxItems>300</MaxItems>${more}</ListResourceRecordSetsResponse>`;
const TRUNCATED = '<IsTruncated>true</IsTruncated>';

describe('a server in place of AWS', () => {
  it('that sends endless XML is left at the bound, in bounded memory', async () => {
    const account = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/xml' }).write('<?xml version="1.0"?><ListHostedZonesResponse>');
      const send = (): void => {
        if (response.destroyed) return;
        if (response.write(Buffer.alloc(MIB, '<HostedZones>'))) setImmediate(send);
        else response.once('drain', send);
      };
      send();
    });
    const before = process.memoryUsage().rss;
    const failure = await expectCode(account.listZones(), 'DNS_ANSWER_TOO_LARGE');
    expect(failure.message).toContain('8388608 bytes');
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * MIB);
  });

  it('that drips is left at the deadline of the whole answer', async () => {
    const source = new Readable({ read: () => undefined });
    const timer = setInterval(() => source.push('<'), 20);
    try {
      await expectCode(boundedBody(source, 300).toArray(), 'DNS_ANSWER_TOO_LARGE');
      expect(source.destroyed).toBe(true);
    } finally {
      clearInterval(timer);
    }
  });

  it('that redirects gets no second request', async () => {
    let count = 0;
    const account = await serve((request, response) => {
      count += 1;
      response.writeHead(302, { location: request.url }).end();
    });
    await expect(account.listZones()).rejects.toMatchObject({ name: 'IngressDnsError' });
    expect(count).toBe(1);
  });

  it('that compresses its answer gets no memory for what it would become', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * MIB, ' '));
    const account = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/xml', 'content-encoding': 'gzip' }).end(bomb);
    });
    await expect(account.listZones()).rejects.toMatchObject({ name: 'IngressDnsError' });
  });

  it.each<readonly [string, (count: number) => string, number]>([
    ['changing pages', (count) => `${TRUNCATED}<NextMarker>t${count}</NextMarker>`, 200],
    ['pages in a circle', (count) => `${TRUNCATED}<NextMarker>t${count % 3}</NextMarker>`, 4],
    ['a page whose next page is not named', () => TRUNCATED, 1],
  ])('that lists zones in %s is left', async (_what, more, requests) => {
    let count = 0;
    const account = await serve((_request, response) => response.end(zones(more((count += 1)))));
    await expectCode(account.listZones(), 'DNS_ANSWER_TOO_LARGE');
    expect(count).toBe(requests);
  });

  it.each<readonly [string, (count: number) => string, number]>([
    ['changing pages', (count) => `${TRUNCATED}<NextRecordName>t${count}</NextRecordName>`, 400],
    ['the same page', () => `${TRUNCATED}<NextRecordName>t</NextRecordName><NextRecordType>A</NextRecordType>`, 2],
    ['a page whose next page is not named', () => TRUNCATED, 1],
  ])('that lists record sets in %s is left', async (_what, more, requests) => {
    let count = 0;
    const account = await serve((_request, response) => response.end(records(more((count += 1)))));
    await expectCode(account.listRecords('Z1'), 'DNS_ANSWER_TOO_LARGE');
    expect(count).toBe(requests);
  });
});
