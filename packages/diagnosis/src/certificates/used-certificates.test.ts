import { type Host, hostPath } from '@kube-rescue/host';
import { openNode } from '@kube-rescue/node';
import { buildPki, createFakeHost, createFixedClock, type NodeTree, type Pki, treeOf } from '@kube-rescue/testing';
import {
  type Certificate,
  createCa,
  encodePem,
  encodePrivateKey,
  generateKey,
  issueFromScratch,
  parseCertificates,
  parsePrivateKey,
  type Usage,
} from '@kube-rescue/x509';
import { createPublicKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkCertificates, type CertificateCheck, type Triage, triageNode } from '../triage.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;
const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const MANIFESTS = '/etc/kubernetes/manifests';

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

interface Wanted {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly names?: readonly string[];
  readonly usages?: readonly Usage[];
  /** Days from now to its end. Default: it expired ten days ago. */
  readonly days?: number;
  /** Default: the CA of the cluster. */
  readonly ca?: Pair;
}

let pki: Pki;
let expired: Pair;
let valid: Pair;
let foreign: Pair;

async function makeCa(commonName: string, days = 1000): Promise<Pair> {
  const key = await generateKey('ecdsa-p256');
  const ca = await createCa({ commonName, key, validity: validityOf(days) });
  return { certificate: encodePem('CERTIFICATE', ca.der), key: encodePrivateKey(key, 'EC PRIVATE KEY') };
}

function validityOf(days: number) {
  return { notBefore: new Date(NOW.getTime() - 400 * DAY_MS), notAfter: new Date(NOW.getTime() + days * DAY_MS) };
}

async function issue({
  commonName,
  organizations = [],
  names,
  usages = ['server'],
  days = -10,
  ca,
}: Wanted): Promise<Pair> {
  const issuer = ca ?? pki.pairs.ca;
  const [certificate] = parseCertificates(issuer.certificate, 'ca.crt') as readonly [Certificate];
  const key = await generateKey('ecdsa-p256');
  const issued = await issueFromScratch({
    subject: { commonName, organizations: [...organizations] },
    names,
    usages,
    publicKey: key,
    issuer: { certificate, key: parsePrivateKey(issuer.key, 'ca.key').key, keySource: 'ca.key' },
    validity: validityOf(days),
  });
  return { certificate: encodePem('CERTIFICATE', issued.der), key: encodePrivateKey(key, 'EC PRIVATE KEY') };
}

function kubeconfig({ certificate, key }: Pair, ca = pki.pairs.ca.certificate): string {
  const data = (pem: string): string => Buffer.from(pem).toString('base64');
  return [
    'apiVersion: v1',
    'kind: Config',
    'current-context: c',
    'contexts: [{name: c, context: {cluster: k, user: u}}]',
    `clusters: [{name: k, cluster: {server: "https://10.9.0.11:6443", certificate-authority-data: ${data(ca)}}}]`,
    `users: [{name: u, user: {client-certificate-data: ${data(certificate)}, client-key-data: ${data(key)}}}]`,
    '',
  ].join('\n');
}

interface PodWanted {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Path on the host to path in the container; `SUB@HOST` mounts a part of a volume. */
  readonly volumes: Readonly<Record<string, string>>;
  /** The container is an init container. Default: false. */
  readonly isInit?: boolean;
}

function pod(name: string, { command, args, env = {}, volumes, isInit = false }: PodWanted): Record<string, string> {
  const mounts = Object.entries(volumes).map(([source, mountPath], index) => {
    const [path, subPath] = source.split('@').toReversed() as [string, string | undefined];
    return { path, mount: { name: `vol-${index}`, mountPath, ...(subPath === undefined ? {} : { subPath }) } };
  });
  const container = {
    name,
    image: `registry.example/${name}:v1`,
    command,
    args,
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    volumeMounts: mounts.map(({ mount }) => mount),
  };
  return {
    [`${MANIFESTS}/${name}.yaml`]: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'kube-system' },
      spec: {
        hostNetwork: true,
        ...(isInit ? { initContainers: [container], containers: [{ name: 'main' }] } : { containers: [container] }),
        volumes: mounts.map(({ path, mount }) => ({ name: mount.name, hostPath: { path } })),
      },
    }),
  };
}

function nodeOf(files: Readonly<Record<string, string>>, edit: (tree: NodeTree) => NodeTree = (tree) => tree) {
  const tree = edit(new Map([...pki.tree, ...treeOf(files)]));
  const host: Host = { ...createFakeHost({ tree }), kind: 'copy' };
  return openNode(OPTIONS, { host, clock: createFixedClock(NOW) });
}

const check = (...input: Parameters<typeof nodeOf>): Promise<CertificateCheck> =>
  checkCertificates(nodeOf(...input), { warnWithinDays: 30 });
const triage = (...input: Parameters<typeof nodeOf>): Promise<Triage> =>
  triageNode(nodeOf(...input), new AbortController().signal);

/** The problems of files outside of the catalogue: path, code and hint. */
async function problemsOf(...input: Parameters<typeof nodeOf>): Promise<readonly string[]> {
  const { certificates } = await check(...input);
  return certificates
    .filter(({ status }) => status === 'problem')
    .flatMap(({ path, problems }) => problems.map(({ code, hint }) => `${path} ${code} ${hint}`));
}

/** The tree with other flags of the API server. */
function withFlags(...flags: readonly string[]): (tree: NodeTree) => NodeTree {
  return (tree) =>
    editManifest(tree, 'kube-apiserver', (text) =>
      text.replace(
        '    - --allow-privileged=true',
        ['    - --allow-privileged=true', ...flags.map((flag) => `    - ${flag}`)].join('\n'),
      ),
    );
}

function editManifest(tree: NodeTree, name: string, edit: (text: string) => string): NodeTree {
  const path = hostPath(`${MANIFESTS}/${name}.yaml`);
  const entry = tree.get(path);
  if (entry?.kind !== 'file') throw new Error(`no manifest ${path}`);
  return new Map([...tree, [path, { ...entry, bytes: Buffer.from(edit(Buffer.from(entry.bytes).toString())) }]]);
}

beforeAll(async () => {
  pki = await buildPki({ now: NOW, algorithm: 'ecdsa' });
  foreign = await makeCa('corp-ca');
  expired = await issue({ commonName: 'lb.example', names: ['lb.example'], ca: foreign });
  valid = await issue({ commonName: 'lb.example', names: ['lb.example'], ca: foreign, days: 200 });
});

describe('the certificates of init containers', () => {
  it('are found by what they name and by what they mount', async () => {
    const files = {
      '/etc/lb/lb.crt': expired.certificate,
      '/etc/lb/lb.key': expired.key,
      '/etc/vpn/vpn.pem': expired.certificate,
    };
    const volumes = { '/etc/lb': '/tls', '/etc/vpn': '/vpn' };
    const args = ['--tls-cert=/tls/lb.crt', '--tls-key=/tls/lb.key'];
    const problems = await problemsOf({
      ...files,
      ...pod('setup', { command: ['setup'], args, volumes, isInit: true }),
    });
    expect(problems.map((each) => each.split(' ').slice(0, 2).join(' '))).toEqual([
      '/etc/lb/lb.crt PKI_CERTIFICATE_EXPIRED',
      '/etc/vpn/vpn.pem PKI_CERTIFICATE_EXPIRED',
    ]);
  });

  it('that are named but missing on the host are reported', async () => {
    const volumes = { '/etc/lb': '/tls' };
    const args = ['--tls-cert=/tls/lb.crt'];
    const { certificates } = await check(pod('setup', { command: ['setup'], args, volumes, isInit: true }));
    expect(certificates.filter(({ status }) => status === 'problem')).toMatchObject([{ path: '/etc/lb/lb.crt' }]);
  });

  it.each(['initContainers', 'sidecars'])(
    'are found in the pod of a component too, as are those of %s',
    async (list) => {
      const own = '  - {name: setup, command: [setup], volumeMounts: [{name: lb, mountPath: /tls}]}\n';
      const problems = await problemsOf({ '/etc/lb/lb.crt': expired.certificate }, (tree) =>
        editManifest(tree, 'kube-apiserver', (text) =>
          text
            .replace('  volumes:\n', '  volumes:\n  - {name: lb, hostPath: {path: /etc/lb}}\n')
            .replace(
              /^ {2}containers:\n/m,
              list === 'sidecars' ? `  containers:\n${own}` : `  initContainers:\n${own}  containers:\n`,
            ),
        ),
      );
      expect(problems.map((each) => each.split(' ')[0])).toEqual(['/etc/lb/lb.crt']);
    },
  );
});

describe('the certificates of static pods that are no component', () => {
  it('are found in a mounted directory of a load balancer, through its configuration or without it', async () => {
    const files = {
      ...pod('haproxy', {
        volumes: { '/etc/haproxy/haproxy.cfg': '/usr/local/etc/haproxy/haproxy.cfg', '/etc/haproxy/certs': '/certs' },
      }),
      '/etc/haproxy/haproxy.cfg':
        'frontend apiserver\n  bind *:8443 ssl crt /certs/lb.pem\n  # bind *:9 ssl crt /certs/none.pem\nbackend k\n  server node01 10.9.0.11:6443 check\n',
      '/etc/haproxy/certs/lb.pem': expired.certificate + expired.key,
    };
    const [only, ...others] = await problemsOf(files);
    expect(others).toEqual([]);
    expect(only).toMatch(
      /^\/etc\/haproxy\/certs\/lb\.pem PKI_CERTIFICATE_EXPIRED used by static pod haproxy through crt in/,
    );
    expect(only).toContain('subject CN=lb.example, issuer CN=corp-ca');
    const { verdict, causes } = await triage(files);
    expect(verdict).toBe('unhealthy');
    expect(causes.map(({ code, summary }) => `${code} ${summary}`)).toEqual([
      expect.stringMatching(/^PKI_CERTIFICATE_EXPIRED certificate of static pod haproxy .* expired on 2026-11-12/),
    ]);
    expect(causes[0]?.hint).not.toContain('kube-rescue recover');
  });

  it('are good when they are valid: admin.conf of kube-vip, keepalived without any, a plugin with a socket', async () => {
    const files = {
      ...pod('kube-vip', {
        args: ['manager'],
        env: { vip_arp: 'true', vip_interface: 'eth0', address: '10.9.0.100', cp_enable: 'true' },
        volumes: { '/etc/kubernetes/admin.conf': '/etc/kubernetes/admin.conf' },
      }),
      ...pod('keepalived', {
        volumes: {
          '/etc/keepalived/keepalived.conf': '/usr/local/etc/keepalived/keepalived.conf',
          '/etc/keepalived/check_apiserver.sh': '/etc/keepalived/check_apiserver.sh',
        },
      }),
      '/etc/keepalived/keepalived.conf': 'vrrp_script check { script "/etc/keepalived/check_apiserver.sh" }\n',
      '/etc/keepalived/check_apiserver.sh': '#!/bin/sh\ncurl -sfk https://localhost:6443/healthz\n',
      ...pod('aws-encryption-provider', {
        command: ['/aws-encryption-provider', '--key=arn:aws:kms:x:1:key/2', '--listen=/var/run/kmsplugin/socket.sock'],
        volumes: { '/var/run/kmsplugin': '/var/run/kmsplugin' },
      }),
      ...pod('haproxy', { volumes: { '/etc/haproxy/certs': '/certs' } }),
      '/etc/haproxy/certs/lb.crt': valid.certificate,
      '/etc/haproxy/certs/lb.key': valid.key,
    };
    expect(await problemsOf(files)).toEqual([]);
    expect((await triage(files)).verdict).toBe('healthy');
    const { certificates } = await check(files);
    const found = certificates.filter(({ id }) => id.startsWith('used-by/')).map(({ id, path }) => [id, path]);
    expect(found).toEqual([['used-by/static pod haproxy', '/etc/haproxy/certs/lb.crt']]);
  });

  it("are named with kubeadm's command where the CA of the cluster signed a kubeconfig", async () => {
    const client = await issue({ commonName: 'cloud-controller-manager', organizations: ['ops'], usages: ['client'] });
    const [only] = await problemsOf({
      ...pod('cloud-controller-manager', {
        command: [
          '/bin/cloud-controller-manager',
          '--cloud-provider=aws',
          '--kubeconfig=/etc/kubernetes/cloud-controller-manager.conf',
          '--leader-elect=true',
        ],
        volumes: { '/etc/kubernetes': '/etc/kubernetes' },
      }),
      '/etc/kubernetes/cloud-controller-manager.conf': kubeconfig(client),
    });
    expect(only).toContain('/etc/kubernetes/cloud-controller-manager.conf PKI_CERTIFICATE_EXPIRED');
    expect(only).toContain('`kubeadm kubeconfig user --client-name cloud-controller-manager --org ops`');
  });

  it('are compared with the key that a flag names beside them', async () => {
    const server = await issue({ commonName: 'konnectivity', names: ['10.9.0.11'], days: 100 });
    const command = [
      '/proxy-server',
      '--logtostderr=true',
      '--uds-name=/etc/kubernetes/konnectivity-server/konnectivity-server.socket',
      '--cluster-cert=/etc/kubernetes/pki/konnectivity.crt',
      '--cluster-key=/etc/kubernetes/pki/konnectivity-server.key',
    ];
    const files = {
      ...pod('konnectivity-server', { command, volumes: { '/etc/kubernetes/pki': '/etc/kubernetes/pki' } }),
      '/etc/kubernetes/pki/konnectivity.crt': server.certificate,
      '/etc/kubernetes/pki/konnectivity-server.key': expired.key,
    };
    expect(await problemsOf(files)).toEqual([
      expect.stringContaining(
        '/etc/kubernetes/pki/konnectivity.crt PKI_KEY_MISMATCH used by static pod konnectivity-server',
      ),
    ]);
    expect(await problemsOf({ ...files, '/etc/kubernetes/pki/konnectivity-server.key': server.key })).toEqual([]);
  });

  it('are named when their CA has only the name of the one of this cluster', async () => {
    const old = await makeCa('kubernetes');
    const client = await issue({ commonName: 'proxy', usages: ['client'], days: 100, ca: old });
    const files = pod('proxy', {
      command: ['proxy', '--kubeconfig', '/etc/proxy/k.conf'],
      volumes: { '/etc/proxy': '/etc/proxy' },
    });
    const [only] = await problemsOf({ ...files, '/etc/proxy/k.conf': kubeconfig(client) });
    expect(only).toContain('/etc/proxy/k.conf PKI_CHAIN_BROKEN');
    // A kubeconfig for another cluster, whose CA has the same name.
    expect(await problemsOf({ ...files, '/etc/proxy/k.conf': kubeconfig(client, old.certificate) })).toEqual([]);
  });

  it('are found through a part of a volume, a variable and a shell', async () => {
    const files = {
      ...pod('auth', {
        command: ['sh', '-c', 'exec auth --tls-cert-file=/tls/a.crt'],
        volumes: { 'live@/etc/auth': '/tls' },
      }),
      ...pod('kms', { env: { VAULT_CACERT: '/vault/ca.pem' }, volumes: { '/etc/vault': '/vault' } }),
      '/etc/auth/live/a.crt': expired.certificate,
      '/etc/vault/ca.pem': (await makeCa('vault', -1)).certificate,
    };
    expect((await problemsOf(files)).map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['/etc/auth/live/a.crt', 'PKI_CERTIFICATE_EXPIRED'],
      ['/etc/vault/ca.pem', 'PKI_CA_EXPIRED'],
    ]);
  });

  it('count neither as copies, nor in stores of public CAs, nor in the data of programs', async () => {
    const volumes = { '/etc/ssl/certs': '/etc/ssl/certs', '/srv/lb': '/lb', '/var/lib/etcd': '/data', '/': '/host' };
    const files = {
      ...pod('lb', { volumes }),
      '/etc/ssl/certs/Old_Root.pem': (await makeCa('old root', -1)).certificate,
      '/var/lib/etcd/x.pem': expired.certificate,
      '/srv/lb/lb.crt.bak': expired.certificate,
      '/srv/lb/lb.crt.20250101': expired.certificate,
      '/srv/lb/README': 'see /srv/lb',
    };
    expect(await problemsOf(files)).toEqual([]);
    expect((await triage(files)).verdict).toBe('healthy');
  });

  it('leave the verdict unknown when a named one cannot be read, and are passed over when it only lies there', async () => {
    const files = {
      ...pod('lb', { command: ['lb', '--cert=/lb/lb.pem'], volumes: { '/srv/lb': '/lb' } }),
      '/srv/lb/lb.pem': valid.certificate + valid.key,
    };
    const writable = (name: string) => (tree: NodeTree) =>
      new Map([
        ...tree,
        [hostPath(name), { kind: 'file' as const, bytes: Buffer.from(valid.certificate), mode: 0o666 }],
      ]);
    const { verdict } = await triage(files, writable('/srv/lb/lb.pem'));
    expect(verdict).toBe('unknown');
    const { unread } = await check(files, writable('/srv/lb/lb.pem'));
    expect(unread.map(({ code, path }) => [code, path])).toEqual([['SOURCE_UNTRUSTED', '/srv/lb/lb.pem']]);
    expect((await triage(files, writable('/srv/lb/other.pem'))).verdict).toBe('healthy');
  });

  it('are named when they are missing or damaged', async () => {
    const files = {
      ...pod('lb', { command: ['lb', '--cert=/lb/lb.pem', '--ca=/lb/ca.pem'], volumes: { '/srv/lb': '/lb' } }),
      '/srv/lb/lb.pem': valid.certificate.replace(/\n.{20}/, '\n!!!!'),
    };
    expect((await problemsOf(files)).map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['/srv/lb/lb.pem', 'PKI_PEM_INVALID'],
      ['/srv/lb/ca.pem', 'PKI_CERTIFICATE_MISSING'],
    ]);
  });

  it('never show a key', async () => {
    const files = {
      ...pod('lb', { volumes: { '/srv/lb': '/lb' } }),
      '/srv/lb/lb.pem': expired.certificate + expired.key,
    };
    const output = JSON.stringify([await check(files), await triage(files)]);
    expect(output).not.toContain(expired.key.split('\n')[1]);
  });
});

describe('the certificates of services', () => {
  it('are found in the configuration of nginx and what it includes', async () => {
    const files = {
      '/etc/systemd/system/multi-user.target.wants/nginx.service': 'x',
      '/usr/lib/systemd/system/nginx.service':
        "[Service]\nExecStart=/usr/sbin/nginx -g 'daemon on; master_process on;'\n",
      '/etc/nginx/nginx.conf': 'stream {\n  include /etc/nginx/conf.d/*.conf;\n}\n',
      '/etc/nginx/conf.d/api.conf':
        'server {\n  ssl_certificate /etc/nginx/tls/api.crt;\n  ssl_certificate_key /etc/nginx/tls/api.key;\n}\n',
      '/etc/nginx/tls/api.crt': expired.certificate,
      '/etc/nginx/tls/api.key': expired.key,
    };
    expect(await problemsOf(files)).toEqual([
      expect.stringMatching(
        /^\/etc\/nginx\/tls\/api\.crt PKI_CERTIFICATE_EXPIRED used by nginx\.service through ssl_certificate in/,
      ),
    ]);
  });

  it('are found through variables and files of variables, and in the directories of HAProxy', async () => {
    const files = {
      '/etc/systemd/system/haproxy.service':
        '[Service]\nEnvironment="CONFIG=/etc/haproxy/haproxy.cfg"\nEnvironmentFile=-/etc/default/haproxy\nExecStart=/usr/sbin/haproxy -Ws -f $CONFIG $EXTRAOPTS\n',
      '/etc/default/haproxy': 'EXTRAOPTS="-S /run/haproxy-master.sock"\n',
      '/etc/haproxy/haproxy.cfg': 'global\n  crt-base /etc/haproxy/certs\nfrontend a\n  bind :443 ssl crt site.pem\n',
      '/etc/haproxy/certs/site.pem': expired.certificate + expired.key,
      '/etc/systemd/system/audit-shipper.service':
        '[Service]\nEnvironmentFile=/etc/audit-shipper.env\nExecStart=/opt/shipper\n',
      '/etc/audit-shipper.env': 'TLS_CERT=/etc/shipper/client.crt\nTLS_KEY=/etc/shipper/client.key\n',
      '/etc/shipper/client.crt': expired.certificate,
      '/etc/shipper/client.key': expired.key,
    };
    expect((await problemsOf(files)).map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['/etc/shipper/client.crt', 'PKI_CERTIFICATE_EXPIRED'],
      ['/etc/haproxy/certs/site.pem', 'PKI_CERTIFICATE_EXPIRED'],
    ]);
  });

  it('report a unit that cannot be read, and read the others', async () => {
    const files = {
      '/etc/systemd/system/lb.service': '[Service]\nExecStart=/opt/lb --cert /etc/lb.crt\n',
      '/etc/lb.crt': expired.certificate,
    };
    const odd = (tree: NodeTree) =>
      new Map([
        ...tree,
        [hostPath('/etc/systemd/system/a.service'), { kind: 'file' as const, bytes: Buffer.from('x'), mode: 0o666 }],
      ]);
    const { certificates, unread } = await check(files, odd);
    expect(unread.map(({ path }) => path)).toEqual(['/etc/systemd/system/a.service']);
    expect(certificates.filter(({ status }) => status === 'problem').map(({ path }) => path)).toEqual(['/etc/lb.crt']);
  });
});

describe('the certificates of flags outside of the catalogue', () => {
  it('are judged: the CA of an identity provider, and one inside a structured authentication', async () => {
    const ca = (await makeCa('idp', -3)).certificate;
    const inline = ca
      .trimEnd()
      .split('\n')
      .map((line) => `      ${line}`)
      .join('\n');
    const files = {
      '/etc/kubernetes/pki/idp.pem': ca,
      '/etc/kubernetes/pki/authn.yaml': `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://idp.example\n    certificateAuthority: |\n${inline}\n`,
    };
    const flags = withFlags(
      '--oidc-ca-file=/etc/kubernetes/pki/idp.pem',
      '--authentication-config=/etc/kubernetes/pki/authn.yaml',
    );
    expect((await problemsOf(files, flags)).map((line) => line.split(' used')[0])).toEqual([
      '/etc/kubernetes/pki/idp.pem PKI_CA_EXPIRED',
      '/etc/kubernetes/pki/authn.yaml PKI_CA_EXPIRED',
    ]);
    expect((await triage(files, flags)).causes.map(({ summary }) => summary)).toEqual([
      expect.stringMatching(/^2 certificates expired on 2026-11-19/),
    ]);
  });

  it("are named, without kubeadm's command, in the kubeconfig of a webhook: it would call the API server", async () => {
    const client = await issue({ commonName: 'authorizer', usages: ['client'] });
    const flags = withFlags('--authorization-webhook-config-file=/etc/kubernetes/pki/hook.conf');
    const [only] = await problemsOf({ '/etc/kubernetes/pki/hook.conf': kubeconfig(client) }, flags);
    expect(only).toContain('/etc/kubernetes/pki/hook.conf PKI_CERTIFICATE_EXPIRED');
    expect(only).toContain('renew the certificate with the cluster CA');
    expect(only).not.toContain('kubeadm kubeconfig');
  });

  it('are judged: the CAs of static webhook configurations, of Kubernetes 1.37', async () => {
    const hooks = (ca: string): string =>
      `apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nwebhooks:\n- name: w.example\n  clientConfig:\n    url: https://w.example\n    caBundle: ${Buffer.from(ca).toString('base64')}\n`;
    const files = {
      '/etc/kubernetes/pki/admission.yaml':
        'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: ValidatingAdmissionWebhook\n  configuration:\n    kind: WebhookAdmissionConfiguration\n    staticManifestsDir: /etc/kubernetes/pki/hooks\n',
      '/etc/kubernetes/pki/hooks/old.yaml': hooks((await makeCa('hooks', -1)).certificate),
      '/etc/kubernetes/pki/hooks/good.yaml': hooks(foreign.certificate),
      '/etc/kubernetes/pki/hooks/own.yaml': hooks(pki.pairs.ca.certificate),
    };
    const flags = withFlags('--admission-control-config-file=/etc/kubernetes/pki/admission.yaml');
    const problems = await problemsOf(files, flags);
    expect(problems.map((line) => line.split(' used')[0])).toEqual([
      '/etc/kubernetes/pki/hooks/old.yaml PKI_CA_EXPIRED',
    ]);
    expect(problems[0]).toContain('staticManifestsDir in /etc/kubernetes/pki/admission.yaml');
  });

  it('are judged: pairs for server names, each with its names and its key', async () => {
    const first = await issue({ commonName: 'a', names: ['a.example'], ca: foreign, days: 100 });
    const second = await issue({ commonName: 'b', names: ['b.example'], ca: foreign, days: 100 });
    const files = {
      '/etc/kubernetes/pki/a.crt': first.certificate,
      '/etc/kubernetes/pki/a.key': first.key,
      '/etc/kubernetes/pki/b.crt': second.certificate,
      '/etc/kubernetes/pki/wrong.pem': first.key,
    };
    const flags = withFlags(
      '--tls-sni-cert-key=/etc/kubernetes/pki/a.crt,/etc/kubernetes/pki/a.key:a.example,old.example',
      '--tls-sni-cert-key=/etc/kubernetes/pki/b.crt,/etc/kubernetes/pki/wrong.pem',
    );
    const { certificates } = await check(files, flags);
    const bad = certificates.filter(({ status }) => status === 'problem');
    expect(bad.map(({ path, problems }) => [path, problems.map(({ code, message }) => `${code} ${message}`)])).toEqual([
      ['/etc/kubernetes/pki/a.crt', ['PKI_NAME_MISSING does not name old.example, which clients ask for']],
      ['/etc/kubernetes/pki/b.crt', [expect.stringContaining('PKI_KEY_MISMATCH')]],
    ]);
  });
});

describe("the kubelet's serving certificate from the cluster", () => {
  const kubelet = (tree: NodeTree): NodeTree => {
    const path = hostPath('/var/lib/kubelet/config.yaml');
    const entry = tree.get(path);
    if (entry?.kind !== 'file') throw new Error('no configuration of the kubelet');
    return new Map([
      ...tree,
      [path, { ...entry, bytes: Buffer.concat([entry.bytes, Buffer.from('serverTLSBootstrap: true\n')]) }],
    ]);
  };
  const CURRENT = '/var/lib/kubelet/pki/kubelet-server-current.pem';
  const node = { commonName: 'system:node:node01', organizations: ['system:nodes'], names: ['10.9.0.11', 'node01'] };
  const rowOf = async (files: Readonly<Record<string, string>>) =>
    (await check(files, kubelet)).certificates.filter(({ id }) => id === 'kubelet-serving');

  it('is judged instead of the pair that the kubelet no longer uses', async () => {
    const { certificate, key } = await issue(node);
    const [row, ...others] = await rowOf({
      [CURRENT]: certificate + key,
      '/var/lib/kubelet/pki/kubelet.crt': expired.certificate,
    });
    expect(others).toEqual([]);
    expect([row?.path, row?.status, row?.problems[0]?.code]).toEqual([CURRENT, 'problem', 'PKI_CERTIFICATE_EXPIRED']);
    expect(row?.problems[0]?.hint).toContain('kubectl certificate approve');
  });

  it('is good while it is valid, and missing while its request is not approved', async () => {
    const { certificate, key } = await issue({ ...node, days: 300 });
    expect(await rowOf({ [CURRENT]: certificate + key })).toMatchObject([{ status: 'ok' }]);
    expect(await rowOf({})).toMatchObject([{ status: 'problem', problems: [{ code: 'PKI_CERTIFICATE_MISSING' }] }]);
  });
});

describe('the drop-ins of the kubelet', () => {
  const HEADER = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';
  const DROP_IN = '/etc/kubernetes/kubelet.conf.d/10.conf';
  const withDirectory = {
    '/etc/systemd/system/kubelet.service':
      '[Service]\nExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --config-dir=/etc/kubernetes/kubelet.conf.d --kubeconfig=/etc/kubernetes/kubelet.conf\n',
  };

  it('name a serving certificate that has expired', async () => {
    const files = {
      ...withDirectory,
      [DROP_IN]: `${HEADER}tlsCertFile: /etc/kubelet/s.crt\ntlsPrivateKeyFile: /etc/kubelet/s.key\n`,
      '/etc/kubelet/s.crt': expired.certificate,
      '/etc/kubelet/s.key': expired.key,
    };
    const { causes, verdict } = await triage(files);
    expect([verdict, causes.map(({ code }) => code)]).toEqual(['unhealthy', ['PKI_CERTIFICATE_EXPIRED']]);
    expect(causes[0]?.evidence.join()).toContain('/etc/kubelet/s.crt');
  });

  it('are a cause when the kubelet does not start with one, and nothing is written then', async () => {
    const node = nodeOf({ ...withDirectory, [DROP_IN]: `${HEADER}maxPods: "110"\n` });
    const { causes, verdict, certificates } = await triageNode(node, new AbortController().signal);
    expect([verdict, causes.map(({ code }) => code)]).toEqual(['unhealthy', ['KUBELET_CONFIGURATION_INVALID']]);
    expect(causes[0]).toMatchObject({ evidence: [DROP_IN] });
    expect(certificates.length).toBeGreaterThan(10);
    const { unread } = await checkCertificates(node, {});
    expect(unread).toMatchObject([{ code: 'KUBELET_CONFIGURATION_INVALID', path: DROP_IN }]);
    const phase = node.phase({ id: 'p', title: 'p', steps: () => [] });
    await expect(phase.steps(new AbortController().signal)).rejects.toMatchObject({
      code: 'KUBELET_CONFIGURATION_INVALID',
    });
  });
});

describe('flags that contradict each other', () => {
  /** What triage says, and the check of the certificates as well. */
  const causesOf = async (...input: Parameters<typeof nodeOf>) => {
    const codes = (await triage(...input)).causes.map(({ code }) => code);
    expect((await check(...input)).findings.map(({ code }) => code)).toEqual(codes);
    return codes;
  };

  it('name a key that signs tokens and that the API server does not accept', async () => {
    const other = await generateKey('rsa-2048');
    const pem = createPublicKey(other).export({ type: 'spki', format: 'pem' }).toString();
    const files = { '/etc/kubernetes/pki/other.pub': pem };
    const replaced = (tree: NodeTree): NodeTree =>
      editManifest(tree, 'kube-apiserver', (text) =>
        text.replace(/service-account-key-file=\S+/, 'service-account-key-file=/etc/kubernetes/pki/other.pub'),
      );
    expect(await causesOf(files, replaced)).toEqual(['SERVICE_ACCOUNT_KEY_MISMATCH', 'SERVICE_ACCOUNT_KEY_MISMATCH']);
    // A further key beside the right one, as while keys are exchanged.
    expect(await causesOf(files, withFlags('--service-account-key-file=/etc/kubernetes/pki/other.pub'))).toEqual([]);
  });

  it.each([
    ['the public half is empty', { 'sa.pub': '' }, 'verifies service account tokens is empty'],
    ['the public half is missing', { 'sa.pub': undefined }, 'verifies service account tokens is missing'],
    ['the public half holds something else', { 'sa.pub': 'words\n' }, 'verifies service account tokens holds no key'],
    ['the private key is empty', { 'sa.key': '' }, 'signs service account tokens is empty'],
    ['the private key is torn', { 'sa.key': '-----BEGIN RSA PRIVATE KEY-----\nMIIE' }, 'is torn: its end is missing'],
    ['the private key is missing', { 'sa.key': undefined }, 'signs service account tokens is missing'],
  ])('name a key of service account tokens when %s, once', async (_title, texts, words) => {
    const changed = (tree: NodeTree): NodeTree => {
      const files = new Map(tree);
      for (const [name, text] of Object.entries(texts)) {
        const path = hostPath(`/etc/kubernetes/pki/${name}`);
        if (text === undefined) files.delete(path);
        else files.set(path, { kind: 'file', bytes: Buffer.from(text), mode: 0o600 });
      }
      return files;
    };
    expect(await causesOf({}, changed)).toEqual(['SERVICE_ACCOUNT_KEY_LOST']);
    const [cause] = (await triage({}, changed)).causes;
    expect(cause?.summary).toContain(words);
    const isPublic = Object.keys(texts)[0] === 'sa.pub';
    expect(cause?.hint).toContain(
      isPublic ? 'openssl pkey -in /etc/kubernetes/pki/sa.key' : 'kubeadm init phase certs sa',
    );
  });

  it.each([
    ['empty', ''],
    ['torn', '-----BEGIN RSA PRIVATE KEY-----\nMIIE'],
    ['no private key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
  ])('name the key that signs certificate requests when it is %s', async (_title, text) => {
    expect(await causesOf({ '/etc/kubernetes/pki/ca.key': text })).toEqual(['SIGNING_KEY_LOST']);
  });

  it('name a front proxy that is not allowed, and a CA that did not sign the certificate of etcd', async () => {
    const names = (tree: NodeTree): NodeTree =>
      editManifest(tree, 'kube-apiserver', (text) =>
        text.replace('requestheader-allowed-names=front-proxy-client', 'requestheader-allowed-names=aggregator'),
      );
    expect(await causesOf({}, names)).toEqual(['FRONT_PROXY_NOT_ALLOWED']);
    const trust = (tree: NodeTree): NodeTree =>
      editManifest(tree, 'kube-apiserver', (text) =>
        text.replace(/etcd-cafile=\S+/, 'etcd-cafile=/etc/kubernetes/pki/corp.crt'),
      );
    expect(await causesOf({ '/etc/kubernetes/pki/corp.crt': foreign.certificate }, trust)).toEqual([
      'TRUST_CONTRADICTED',
    ]);
  });

  it('name a certificate that no volume carries into the pod', async () => {
    const file = { '/etc/oidc/ca.crt': foreign.certificate };
    const flags = withFlags('--oidc-ca-file=/etc/oidc/ca.crt');
    expect(await causesOf(file, flags)).toEqual(['FLAG_FILE_MISSING']);
    const { findings } = await check(file, flags);
    expect(findings[0]?.evidence).toEqual(['--oidc-ca-file=/etc/oidc/ca.crt: no volume of the pod mounts it']);
  });

  it.each([
    ['a certificate', '--oidc-ca-file=/etc/kubernetes/pki/oidc.crt'],
    ['a key', '--service-account-key-file=/etc/kubernetes/pki/lost.pub'],
    ['a kubeconfig', '--authentication-kubeconfig=/etc/kubernetes/pki/authentication'],
  ])('name %s that does not exist, which is reported once', async (_title, flag) => {
    const { causes } = await triage({}, withFlags(flag));
    expect(causes.map(({ code }) => code)).toEqual(['FLAG_FILE_MISSING']);
    const { certificates, findings } = await check({}, withFlags(flag));
    const rows = certificates.filter(({ status }) => status === 'problem').map(({ path }) => path);
    const [path = ''] = /\/etc\S+/.exec(flag) ?? [];
    expect([...rows, ...findings.flatMap(({ evidence }) => evidence)]).toEqual([expect.stringContaining(path)]);
  });

  it('name a file that is no certificate: the check of the certificates leaves it to triage', async () => {
    const flags = withFlags('--audit-policy-file=/etc/kubernetes/pki/audit.yaml');
    expect((await triage({}, flags)).causes.map(({ code }) => code)).toEqual(['FLAG_FILE_MISSING']);
    expect((await check({}, flags)).findings).toEqual([]);
  });

  it("name a CA that did not sign the kubelet's certificate", async () => {
    const flags = withFlags('--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt');
    const pair = {
      '/var/lib/kubelet/pki/kubelet.crt': valid.certificate,
      '/var/lib/kubelet/pki/kubelet.key': valid.key,
    };
    expect(await causesOf(pair, flags)).toEqual(['TRUST_CONTRADICTED']);
    const signed = await issue({ commonName: 'node01', days: 100 });
    const good = {
      '/var/lib/kubelet/pki/kubelet.crt': signed.certificate,
      '/var/lib/kubelet/pki/kubelet.key': signed.key,
    };
    expect(await causesOf(good, flags)).toEqual([]);
  });
});
