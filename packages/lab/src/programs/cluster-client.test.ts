import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClusterAccess, getObject, inClusterAccess, patchObject, readKubeconfig } from './cluster-client.ts';
import { FakeCluster } from './fake-cluster.fixture.ts';

const PATH = '/api/v1/services';

describe('the API client of the programs', () => {
  let directory: string;
  let cluster: FakeCluster | undefined;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'client-'));
  });
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
    await rm(directory, { recursive: true });
  });

  const at = (name: string): string => path.join(directory, name);
  const reason = async (access: ClusterAccess): Promise<string> =>
    getObject(access, PATH).then(
      () => 'it answered',
      (error: Error) => error.message,
    );

  it('reads and changes objects, with the current token of the service account', async () => {
    cluster = await FakeCluster.start(directory);
    cluster.objects.set(PATH, { items: [] });
    const access = inClusterAccess(cluster.environment);
    expect(await getObject(access, `${PATH}?limit=1`)).toEqual({ items: [] });
    await patchObject(access, '/api/v1/nodes/ü', { a: 'ä' });
    expect(cluster.patches).toEqual([{ path: '/api/v1/nodes/%C3%BC', patch: { a: 'ä' } }]);
    await writeFile(at('serviceaccount/token'), 'an-invalid-token');
    expect(await reason(access)).toBe('Unauthorized');
  });

  it('reports the message of the API server for a missing object', async () => {
    cluster = await FakeCluster.start(directory);
    expect(await reason(inClusterAccess(cluster.environment))).toBe(`"${PATH}" not found`);
  });

  it('reports an expired certificate in the words of client-go, without the token', async () => {
    cluster = await FakeCluster.start(directory, { expired: ['apiserver'] });
    const expired = await reason(inClusterAccess(cluster.environment));
    expect(expired).toBe(`Get ${cluster.server}${PATH}: x509: certificate has expired or is not yet valid`);
    expect(expired).not.toContain('a-token-of-the-tests');
  });

  it('reports a certificate of another CA with the same name', async () => {
    cluster = await FakeCluster.start(directory);
    const other = await FakeCluster.start(await mkdtemp(at('other-')));
    await cluster.trust(other.pki.pairs.ca.certificate);
    await other.stop();
    expect(await reason(inClusterAccess(cluster.environment))).toContain(
      'x509: certificate signed by unknown authority',
    );
  });

  it('reports a refused and a reset connection', async () => {
    cluster = await FakeCluster.start(directory);
    const access = inClusterAccess(cluster.environment);
    await cluster.stop();
    const where = cluster.server.slice('https://'.length);
    expect(await reason(access)).toBe(`Get ${cluster.server}${PATH}: dial tcp ${where}: connect: connection refused`);
    const rude = createServer((socket) => socket.destroy());
    rude.listen(0, '127.0.0.1');
    await once(rude, 'listening');
    const server = `https://127.0.0.1:${(rude.address() as AddressInfo).port}`;
    expect(await reason({ ...access, server })).toContain('connection reset by peer');
    rude.close();
  });

  it('refuses to start without the address of the API server in its environment', () => {
    expect(() => inClusterAccess({})).toThrow('KUBERNETES_SERVICE_HOST must be defined');
  });

  it('reads a YAML kubeconfig that refers to files', async () => {
    cluster = await FakeCluster.start(directory);
    cluster.objects.set(PATH, { items: [] });
    await cluster.writeKubeconfig(at('kubeconfig'));
    expect(await reason(readKubeconfig(at('kubeconfig')))).toBe('it answered');
  });

  it('reads a JSON kubeconfig with embedded data', async () => {
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const user = { 'client-certificate-data': base64('a certificate'), 'client-key-data': base64('a key') };
    const text = JSON.stringify({
      clusters: [{ cluster: { server: 'https://a.test:6443/', 'certificate-authority-data': base64('a CA') } }],
      users: [{ user }],
    });
    await writeFile(at('kubeconfig'), text);
    expect(readKubeconfig(at('kubeconfig'))).toEqual({
      server: 'https://a.test:6443',
      ca: 'a CA',
      certificate: 'a certificate',
      key: 'a key',
      token: undefined,
    });
    await writeFile(
      at('kubeconfig'),
      'users:\n- user:\n    token: "abc"\nclusters:\n- cluster: {server: "https://b.test"}\n',
    );
    expect(readKubeconfig(at('kubeconfig')).token?.()).toBe('abc');
    await writeFile(at('kubeconfig'), 'kind: Config\n');
    expect(() => readKubeconfig(at('kubeconfig'))).toThrow('no server has been defined');
  });
});
