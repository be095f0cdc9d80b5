import { expectCode, requireProgram, startLocalAws } from '@kube-rescue/testing';
import type { LocalAws } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DnsQuery } from '../host.ts';
import { resolveLocally } from './local-dns.ts';

const timeoutMs = 2000;

describe.skipIf(!requireProgram('knotd'))('DNS as this machine asks for it', () => {
  let aws: LocalAws;
  let server: { address: string; port: number };
  beforeAll(async () => {
    aws = await startLocalAws();
    server = { address: '127.0.0.1', port: aws.dnsPort };
    const { id } = await aws.addZone({ name: 'shop.test' });
    const big = Array.from({ length: 40 }, (_, index) => `"${String(index).padStart(2, '0')}${'x'.repeat(100)}"`);
    await aws.putRecords(id, [
      { name: 'www.shop.test', type: 'A', ttl: 60, values: ['192.0.2.1', '192.0.2.2'] },
      { name: 'alias.shop.test', type: 'CNAME', ttl: 60, values: ['www.shop.test.'] },
      { name: 'big.shop.test', type: 'TXT', ttl: 60, values: big },
    ]);
  });
  afterAll(() => aws.stop());
  const ask = (name: string, query: Partial<DnsQuery> = {}) =>
    resolveLocally({ name, type: 'A', server, timeoutMs, ...query });

  it('returns the records, and whether the server is authoritative', async () => {
    const answer = await ask('WWW.shop.test.');
    expect(answer).toMatchObject({ status: 'found', code: 'NOERROR', authoritative: true });
    expect(answer.records.map(({ value }) => value).toSorted()).toEqual(['192.0.2.1', '192.0.2.2']);
    expect((await ask('alias.shop.test')).records.map(({ type }) => type)).toEqual(['CNAME', 'A', 'A']);
  });

  it('distinguishes a missing name from one without such records', async () => {
    expect((await ask('none.shop.test')).status).toBe('no-name');
    expect((await ask('www.shop.test', { type: 'AAAA' })).status).toBe('no-data');
    expect(await ask('other.example')).toMatchObject({ status: 'other', code: 'REFUSED' });
  });

  it('returns the delegation of a parent zone', async () => {
    const parent = { address: '127.0.0.2', port: aws.dnsPort };
    const answer = await ask('shop.test', { type: 'NS', server: parent, recursive: false });
    expect([answer.status, answer.authoritative, answer.authoritySection.length]).toEqual(['no-data', false, 4]);
  });

  it('repeats a truncated query over TCP', async () => {
    expect((await ask('big.shop.test', { type: 'TXT' })).records).toHaveLength(40);
  });

  it('names the server that does not respond', async () => {
    const dead = { address: '127.0.0.3', port: aws.dnsPort };
    const failure = await expectCode(ask('www.shop.test', { server: dead }), 'HOST_CONNECTION_FAILED');
    expect(failure.message).toContain(`127.0.0.3:${aws.dnsPort} for A records: ECONNREFUSED`);
  });

  it('refuses an invalid name', async () => {
    await expectCode(ask('a..b'), 'HOST_CONNECTION_FAILED');
  });

  it('stops at once when aborted', async () => {
    await expect(ask('www.shop.test', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
