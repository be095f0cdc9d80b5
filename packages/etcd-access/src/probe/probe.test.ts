import { createLocalHost, type HostPath, hostPath, systemClock } from '@kube-rescue/host';
import {
  buildEtcdPki,
  type EtcdPki,
  expectCode,
  requireProgram,
  type RunningEtcd,
  startEtcd,
} from '@kube-rescue/testing';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEtcd } from '../client/open-etcd.ts';
import { etcdctlLine } from './etcdctl-line.ts';
import { type ProbeRequest, probeEtcd, readConnection } from './probe.ts';

const shell = promisify(execFile);

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('an etcd connection', () => {
  let etcd: RunningEtcd;
  let pki: EtcdPki;
  let root: string;
  beforeAll(async () => {
    pki = await buildEtcdPki({ serverNames: 'DNS:localhost,IP:127.0.0.1' });
    etcd = await startEtcd({ pki });
  });
  afterAll(() => etcd.stop());
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-probe-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  /** The files of a copied node, the sockets of this machine. */
  const deps = () => ({
    host: { ...createLocalHost({ root: hostPath(root) }), connect: createLocalHost().connect },
    clock: systemClock,
  });
  const plant = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [file, content] of Object.entries(files)) {
      await mkdir(path.join(root, path.dirname(file)), { recursive: true });
      await writeFile(path.join(root, file), content);
    }
  };
  const probe = (request: ProbeRequest = {}) => probeEtcd({ timeoutMs: 2000, ...request }, deps());
  const apiServer = (flags: Readonly<Record<string, string>>) => ({
    components: [
      {
        component: 'kube-apiserver',
        flags: new Map(Object.entries({ 'etcd-servers': etcd.endpoints[0] ?? '', ...flags })),
      },
    ],
  });
  const EXPLICIT = { 'etcd-cafile': '/x/ca.crt', 'etcd-certfile': '/x/client.crt', 'etcd-keyfile': '/x/client.key' };

  it('uses the flags of the API server, and etcdctl accepts the command line', async () => {
    await plant({
      '/x/ca.crt': pki.ca.certificate,
      '/x/client.crt': pki.client.certificate,
      '/x/client.key': pki.client.key,
    });
    const found = await probe(apiServer(EXPLICIT));
    expect(found.working).toMatchObject({
      ...{
        endpoint: etcd.endpoints[0],
        ca: '/x/ca.crt',
        client: { certificate: '/x/client.crt', key: '/x/client.key' },
      },
      ...{ serverName: undefined, hasQuorum: true, isServerExpired: false },
    });
    const line = found.working?.etcdctl.line ?? '';
    expect(line).not.toContain('BEGIN');
    const { stdout } = await shell('sh', ['-c', `${line.replaceAll('=/x/', `=${root}/x/`)} endpoint status`]);
    expect(stdout).toContain('3.');

    const client = await openEtcd(await readConnection(found, deps()), deps());
    expect((await client.range({ start: Uint8Array.of(0), end: Uint8Array.of(0) })).count).toBe(0n);
    client.close();
  });

  it('skips wrong certificates, and reports the problem of each', async () => {
    const other = await buildEtcdPki();
    const expired = await buildEtcdPki({ expiredClient: true });
    const pkiDirectory = '/etc/kubernetes/pki';
    await plant({
      '/x/ca.crt': other.ca.certificate,
      '/x/client.crt': other.client.certificate,
      '/x/client.key': other.client.key,
      [`${pkiDirectory}/etcd/ca.crt`]: pki.ca.certificate,
      [`${pkiDirectory}/apiserver-etcd-client.crt`]: expired.client.certificate,
      [`${pkiDirectory}/apiserver-etcd-client.key`]: expired.client.key,
      [`${pkiDirectory}/etcd/healthcheck-client.crt`]: pki.client.certificate,
      [`${pkiDirectory}/etcd/healthcheck-client.key`]: other.client.key,
      [`${pkiDirectory}/etcd/peer.crt`]: 'garbage',
      [`${pkiDirectory}/etcd/peer.key`]: 'garbage',
      [`${pkiDirectory}/etcd/server.crt`]: pki.server.certificate,
      [`${pkiDirectory}/etcd/server.key`]: pki.server.key,
      '/etc/ssl/etcd/client.crt': pki.client.certificate,
    });
    const { working, attempts } = await probe(apiServer(EXPLICIT));
    // kubeadm issues the server certificate for client authentication too.
    expect(working).toMatchObject({
      ca: `${pkiDirectory}/etcd/ca.crt`,
      client: { certificate: `${pkiDirectory}/etcd/server.crt` },
    });
    const reported = attempts.map(({ outcome, code, message, ca, client }) => ({ outcome, code, message, ca, client }));
    const ruledOut = (certificate: string, message: RegExp) =>
      expect(reported).toContainEqual(
        expect.objectContaining({
          outcome: 'ruled-out',
          client: expect.objectContaining({ certificate }),
          message: expect.stringMatching(message),
        }),
      );
    ruledOut(`${pkiDirectory}/apiserver-etcd-client.crt`, /expired on/);
    ruledOut(`${pkiDirectory}/etcd/healthcheck-client.crt`, /does not match the certificate/);
    ruledOut(`${pkiDirectory}/etcd/peer.crt`, /no certificate/);
    ruledOut('/etc/ssl/etcd/client.crt', /client\.key not found/);
    expect(reported).toContainEqual(expect.objectContaining({ code: 'ETCD_TLS_UNTRUSTED', ca: '/x/ca.crt' }));
    expect(reported).toContainEqual(
      expect.objectContaining({ code: 'ETCD_CLIENT_REJECTED', ca: `${pkiDirectory}/etcd/ca.crt` }),
    );
    expect(reported).toContainEqual(expect.objectContaining({ code: 'ETCD_UNREACHABLE' }));
    const everything = JSON.stringify({ working, attempts });
    for (const { key } of [pki.client, pki.server, other.client]) expect(everything).not.toContain(key.split('\n')[1]);
  });

  it('is found in a tls_rotate set and in the environment', async () => {
    await plant({
      '/root/generated/tls/etcd/ca.crt': pki.ca.certificate,
      '/root/generated/tls/etcd/client.crt': pki.client.certificate,
      '/root/generated/tls/etcd/client.key': pki.client.key,
    });
    const rotatedSet: HostPath = hostPath('/root/generated');
    const environment = { ETCDCTL_ENDPOINTS: etcd.endpoints.join(',') };
    const { working } = await probe({ rotatedSet, environment });
    expect(working).toMatchObject({ ca: '/root/generated/tls/etcd/ca.crt', hasQuorum: true });
  });

  it('is found in the unit of etcd-member and in a checkpointed Secret', async () => {
    const secret = '/etc/kubernetes/checkpoint-secrets/kube-system/kube-apiserver-qqh5w/kube-apiserver';
    await plant({
      '/etc/systemd/system/etcd-member.service.d/40-etcd-cluster.conf': `[Service]
Environment="ETCD_TRUSTED_CA_FILE=/etc/ssl/etcd/ca.crt"
ExecStart=/usr/lib/coreos/etcd-wrapper $ETCD_OPTS \\
  --name=etcd --listen-client-urls=https://0.0.0.0:${etcd.members[0].port}
`,
      '/etc/ssl/etcd/ca.crt': pki.ca.certificate,
      [`${secret}/etcd-client.crt`]: pki.client.certificate,
      [`${secret}/etcd-client.key`]: pki.client.key,
    });
    const { working } = await probe();
    expect(working).toMatchObject({
      endpoint: etcd.endpoints[0],
      client: { certificate: `${secret}/etcd-client.crt` },
    });
  });

  it('is missing when nothing works, and every attempt has a reason', async () => {
    const found = await probe(apiServer({}));
    expect(found.working).toBeUndefined();
    expect(found.attempts.map(({ endpoint }) => endpoint)).toEqual([etcd.endpoints[0], 'https://127.0.0.1:2379']);
    for (const { message } of found.attempts) expect(message).toMatch(/without its CA/);
    await expectCode(readConnection(found, deps()), 'ETCD_NO_WORKING_CREDENTIALS');
  });
});

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('a connection to etcd with a bad server certificate', () => {
  const live = { ...createLocalHost(), list: async () => [] };

  async function withEtcd(
    pki: EtcdPki,
    work: (request: ProbeRequest, etcd: RunningEtcd) => Promise<void>,
  ): Promise<void> {
    const etcd = await startEtcd({ pki });
    const at = (file: string): string => path.join(etcd.directory, file);
    const etcdFlags = { 'trusted-ca-file': at('ca.crt'), 'cert-file': at('server.crt'), 'key-file': at('server.key') };
    const apiFlags = { 'etcd-certfile': at('client.crt'), 'etcd-keyfile': at('client.key') };
    const components = [
      { component: 'kube-apiserver', flags: new Map(Object.entries(apiFlags)) },
      {
        component: 'etcd',
        flags: new Map(Object.entries({ ...etcdFlags, 'listen-client-urls': etcd.endpoints.join(',') })),
      },
    ];
    await work({ components, timeoutMs: 2000 }, etcd);
    await etcd.stop();
  }

  it('uses another name of the certificate when it is not for the address, with a note for etcdctl', async () => {
    const pki = await buildEtcdPki({ serverNames: 'DNS:*.kube-etcd.kube-system.svc.cluster.local' });
    await withEtcd(pki, async (request) => {
      const { working, attempts } = await probeEtcd(request, { host: live, clock: systemClock });
      expect(attempts.some(({ code }) => code === 'ETCD_NAME_MISMATCH')).toBe(true);
      expect(working?.serverName).toBe('etcd.kube-etcd.kube-system.svc.cluster.local');
      expect(working?.etcdctl.line).toContain('--endpoints=https://etcd.kube-etcd.kube-system.svc.cluster.local:');
      expect(working?.etcdctl.notes).toEqual([expect.stringContaining('/etc/hosts: 127.0.0.1 etcd.kube-etcd')]);
    });
  });

  it('accepts an expired server only when requested', async () => {
    await withEtcd(await buildEtcdPki({ expiredServer: true }), async (request) => {
      const strict = await probeEtcd(request, { host: live, clock: systemClock });
      expect(strict.working).toBeUndefined();
      expect(strict.attempts.map(({ code }) => code)).toContain('ETCD_SERVER_EXPIRED');
      const { working } = await probeEtcd(
        { ...request, acceptExpiredServer: true },
        { host: live, clock: systemClock },
      );
      expect(working).toMatchObject({ isServerExpired: true, hasQuorum: true });
      expect(working?.etcdctl.line).toContain('--insecure-skip-tls-verify');
    });
  });

  it('is found without a client certificate where etcd requires none, and without TLS', async () => {
    const etcd = await startEtcd({ pki: false });
    const { working } = await probeEtcd(
      { endpoints: etcd.endpoints, timeoutMs: 2000 },
      { host: live, clock: systemClock },
    );
    expect(working).toMatchObject({ endpoint: etcd.endpoints[0], ca: undefined, client: undefined });
    await etcd.stop();
  });
});

describe('an etcdctl line', () => {
  it('quotes shell metacharacters', () => {
    const { line } = etcdctlLine({
      endpoints: ['https://[::1]:2379', 'https://10.0.0.1:2379'],
      ca: hostPath("/root/it's mine/ca.crt"),
      client: undefined,
    });
    expect(line).toBe(
      `ETCDCTL_API=3 etcdctl --endpoints=https://[::1]:2379,https://10.0.0.1:2379 '--cacert=/root/it'\\''s mine/ca.crt'`,
    );
  });
});
