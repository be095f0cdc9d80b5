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
  let folder: string;
  let cluster: FakeCluster | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'client-'));
  });
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
    await rm(folder, { recursive: true });
  });

  const at = (name: string): string => path.join(folder, name);
  const reason = async (access: ClusterAccess): Promise<string> =>
    getObject(access, PATH).then(
      () => 'it answered',
      (error: Error) => error.message,
    );

  it('asks with the token of the moment, and reads and changes objects', async () => {
    cluster = await FakeCluster.start(folder);
    cluster.objects.set(PATH, { items: [] });
    const access = inClusterAccess(cluster.environment);
    expect(await getObject(access, `${PATH}?limit=1`)).toEqual({ items: [] });
    await patchObject(access, '/api/v1/nodes/ü', { a: 'ä' });
    expect(cluster.patches).toEqual([{ path: '/api/v1/nodes/%C3%BC', patch: { a: 'ä' } }]);
    await writeFile(at('serviceaccount/token'), 'a-token-that-is-none');
    expect(await reason(access)).toBe('Unauthorized');
  });

  it('says what the API server says of an object that is not there', async () => {
    cluster = await FakeCluster.start(folder);
    expect(await reason(inClusterAccess(cluster.environment))).toBe(`"${PATH}" not found`);
  });

  it('says that a certificate has expired as client-go does, and nothing of the token', async () => {
    cluster = await FakeCluster.start(folder, { expired: ['apiserver'] });
    const expired = await reason(inClusterAccess(cluster.environment));
    expect(expired).toBe(`Get ${cluster.server}${PATH}: x509: certificate has expired or is not yet valid`);
    expect(expired).not.toContain('a-token-of-the-tests');
  });

  it('says that a certificate is on another CA, though one of the same name', async () => {
    cluster = await FakeCluster.start(folder);
    const other = await FakeCluster.start(await mkdtemp(at('other-')));
    await cluster.trust(other.pki.pairs.ca.certificate);
    await other.stop();
    expect(await reason(inClusterAccess(cluster.environment))).toContain(
      'x509: certificate signed by unknown authority',
    );
  });

  it('says so when nobody listens, and when a listener hangs up', async () => {
    cluster = await FakeCluster.start(folder);
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

  it('is told by the environment of its container where the API server is, or refuses', () => {
    expect(() => inClusterAccess({})).toThrow('KUBERNETES_SERVICE_HOST must be defined');
  });

  it('reads a kubeconfig of files in YAML', async () => {
    cluster = await FakeCluster.start(folder);
    cluster.objects.set(PATH, { items: [] });
    await cluster.writeKubeconfig(at('kubeconfig'));
    expect(await reason(readKubeconfig(at('kubeconfig')))).toBe('it answered');
  });

  it('reads a kubeconfig of embedded data in JSON', async () => {
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
