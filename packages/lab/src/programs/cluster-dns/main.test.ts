import { Resolver } from 'node:dns/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import packet from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeCluster } from '../fake-cluster.fixture.ts';
import { RunningProgram } from '../program.fixture.ts';

const SERVICES = '/api/v1/services';

function service(name: string, namespace: string, clusterIP: string): object {
  return { metadata: { name, namespace }, spec: { clusterIP } };
}

describe('the program cluster-dns', () => {
  let directory: string;
  let cluster: FakeCluster;
  let dns: RunningProgram;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'cluster-dns-'));
  });
  afterEach(async () => {
    await dns.stop('SIGKILL');
    await cluster.stop();
    await rm(directory, { recursive: true });
  });

  async function start(...flags: string[]): Promise<void> {
    cluster.objects.set(SERVICES, {
      items: [service('web', 'default', '10.3.0.77'), service('headless', 'kube-system', 'None')],
    });
    const args = ['--dns-bind-address=127.0.0.1', '--dns-port=0', '--healthz-port=0', ...flags];
    dns = new RunningProgram('cluster-dns/main.ts', args, cluster.environment);
  }

  const port = (): Promise<string> => dns.saying(/Serving DNS for cluster\.local on 127\.0\.0\.1:(\d+)/);

  async function resolve(name: string): Promise<string[]> {
    const resolver = new Resolver({ tries: 1, timeout: 2_000 });
    resolver.setServers([`127.0.0.1:${await port()}`]);
    return resolver.resolve4(name);
  }

  async function readiness(): Promise<{ status: number; text: string }> {
    const health = await dns.saying(/Serving \/readiness on port (\d+)/);
    const response = await fetch(`http://127.0.0.1:${health}/readiness`);
    return { status: response.status, text: await response.text() };
  }

  it('answers for the Services of the API server, over UDP and TCP, and follows their changes', async () => {
    cluster = await FakeCluster.start(directory);
    await start();
    await dns.saying(/Services synced from .*: 2/);
    expect(await readiness()).toEqual({ status: 200, text: 'ok\n' });
    expect(await resolve('web.default.svc.cluster.local')).toEqual(['10.3.0.77']);
    expect(await resolve('WEB.default.svc.Cluster.Local')).toEqual(['10.3.0.77']);
    await expect(resolve('shop.default.svc.cluster.local')).rejects.toThrow('ENOTFOUND');
    await expect(resolve('default.svc.cluster.local')).rejects.toThrow('ENODATA');
    await expect(resolve('example.test')).rejects.toThrow('EREFUSED');
    expect(await askOverTcp(Number(await port()), 'web.default.svc.cluster.local')).toMatchObject({
      rcode: 'NOERROR',
      answers: [{ type: 'A', ttl: 30, data: '10.3.0.77' }],
    });
    cluster.objects.set(SERVICES, { items: [service('shop', 'default', '10.3.0.78')] });
    await expect
      .poll(() => resolve('shop.default.svc.cluster.local').catch(String), { timeout: 10_000 })
      .toEqual(['10.3.0.78']);
    expect(await dns.stop()).toBe(0);
  });

  it('fails every name and its readiness while its ca.crt is outdated, and reports the reason', async () => {
    cluster = await FakeCluster.start(directory);
    await cluster.trust(cluster.pki.pairs['etcd/ca'].certificate);
    await start();
    const reason =
      /Failed to list \*v1\.Service: Get https:\/\/127\.0\.0\.1:\d+\/api\/v1\/services: x509: certificate signed by unknown authority/;
    await dns.saying(reason);
    const { status, text } = await readiness();
    expect(status).toBe(503);
    expect(text).toMatch(reason);
    await expect(resolve('web.default.svc.cluster.local')).rejects.toThrow('ESERVFAIL');
    // It read its CA at its start, so a new file takes effect only after a restart.
    await cluster.trust(cluster.pki.pairs.ca.certificate);
    await expect(dns.saying(/Services synced/, 5_000)).rejects.toThrow('it never logged');
    await dns.stop();
    await start();
    await dns.saying(/Services synced/);
    expect(dns.log).not.toContain('a-token-of-the-tests');
  });

  it('fails while the certificate of the API server has expired', async () => {
    cluster = await FakeCluster.start(directory, { expired: ['apiserver'] });
    await start();
    await dns.saying(/x509: certificate has expired or is not yet valid/);
    expect((await readiness()).status).toBe(503);
  });

  it('answers from its last state while the API server is down', async () => {
    cluster = await FakeCluster.start(directory);
    await start();
    await dns.saying(/Services synced/);
    await cluster.stop();
    await dns.saying(/Failed to list \*v1\.Service: .*connection refused/);
    expect(await resolve('web.default.svc.cluster.local')).toEqual(['10.3.0.77']);
    await cluster.serve();
    await dns.saying(/Services synced[\s\S]*Services synced/);
  });

  it('exits when it cannot read the Services within its timeout', async () => {
    cluster = await FakeCluster.start(directory, { expired: ['apiserver'] });
    await start('--initial-sync-timeout=1');
    expect(await dns.ended()).toBe(255);
    expect(dns.log).toContain('Timeout waiting for initialization');
  });
});

/** Sends two questions on one connection, in pieces; returns the second answer. */
async function askOverTcp(port: number, name: string): Promise<packet.Packet> {
  const socket = connect(port, '127.0.0.1');
  const query = packet.streamEncode({ id: 7, questions: [{ type: 'A', name }] });
  for (const piece of [query, query.subarray(0, 1), query.subarray(1, 9), query.subarray(9)]) socket.write(piece);
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    const first = bytes.length < 2 ? Infinity : 2 + bytes.readUInt16BE(0);
    if (bytes.length >= 2 * first) return packet.streamDecode(bytes.subarray(first));
  }
  throw new Error('the connection was closed');
}
