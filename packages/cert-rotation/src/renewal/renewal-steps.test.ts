import { formatTime } from '@kube-rescue/errors';
import { hostPath } from '@kube-rescue/host';
import { createFixedClock, expectCode, LEAF_NAMES } from '@kube-rescue/testing';
import type { Change } from '@kube-rescue/workflow';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CertificateId } from '../inventory/catalogue.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import {
  directJournal,
  embedKubeletCertificate,
  kubeadmNode,
  type Node,
  NOW,
  putFile,
  textAt,
  textIn,
} from '../kubeadm-node.fixture.ts';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import type { RenewalOptions } from './renewal-options.ts';
import { createRenewalSteps } from './renewal-steps.ts';
import { reportCertificates } from '../judgement/report.ts';

const { signal } = new AbortController();
const CURRENT = hostPath('/var/lib/kubelet/pki/kubelet-client-current.pem');

async function stepsOf({ host, input }: Node, options: RenewalOptions = {}, now = NOW) {
  const inventory = await inspectCertificates(input, { host });
  return createRenewalSteps({ inventory, options }, { host, clock: createFixedClock(now) });
}

/** Checks every step, and applies and verifies those that are needed. */
async function renew(node: Node, options: RenewalOptions = {}) {
  const made: { id: string; changes: readonly Change[] }[] = [];
  for (const step of await stepsOf(node, options)) {
    const finding = await step.check(signal);
    if (finding.status === 'ok') continue;
    expect(finding).toMatchObject({ status: 'needed' });
    const changes = step.plan(finding);
    await step.apply(changes, directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    made.push({ id: step.id, changes });
  }
  return made;
}

async function findingOf(node: Node, id: string, options: RenewalOptions = {}, now = NOW) {
  const step = (await stepsOf(node, options, now)).find((each) => each.id === id);
  if (step === undefined) throw new Error(`no step ${id}`);
  return step.check(signal);
}

const dataOf = (kubeconfig: string, field: string): string =>
  Buffer.from(new RegExp(`${field}: (\\S+)`).exec(kubeconfig)?.[1] ?? '', 'base64').toString();

describe('renewals side by side', () => {
  it('follow each other where they write the same file', async () => {
    const { host, input } = await kubeadmNode({ expired: LEAF_NAMES });
    const inventory = await inspectCertificates(input, { host });
    const shared = inventory.certificates.find(({ id }) => id === 'apiserver')?.keyLocation;
    if (shared === undefined) throw new Error('unreachable');
    const certificates = inventory.certificates.map((entry) =>
      entry.id === 'apiserver-kubelet-client' ? { ...entry, keyLocation: shared } : entry,
    );
    const steps = createRenewalSteps(
      { inventory: { ...inventory, certificates } },
      { host, clock: createFixedClock(NOW) },
    );
    const waiting = steps.filter(({ requires }) => requires.length > 0).map(({ id, requires }) => [id, requires]);
    expect(waiting).toEqual([['pki/renew/apiserver-kubelet-client', ['pki/renew/apiserver']]]);
  });
});

describe('renewing an expired kubeadm node', () => {
  it.each(['rsa', 'ecdsa'] as const)('renews every certificate and keeps every key (%s)', async (algorithm) => {
    const node = await kubeadmNode({ algorithm, expired: LEAF_NAMES, caBundle: true });
    const made = await renew(node);
    expect(made.map(({ id }) => id)).toEqual([
      'pki/renew/etcd/server',
      'pki/renew/etcd/peer',
      'pki/renew/etcd/healthcheck-client',
      'pki/renew/apiserver-etcd-client',
      'pki/renew/apiserver',
      'pki/renew/apiserver-kubelet-client',
      'pki/renew/front-proxy-client',
      'kubeconfig/renew/admin.conf',
      'kubeconfig/renew/controller-manager.conf',
      'kubeconfig/renew/scheduler.conf',
      'kubelet/renew/client',
    ]);
    const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), { now: NOW });
    expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(rows.find(({ id }) => id === 'apiserver')?.daysLeft).toBe(365);

    using openssl = openOpenSsl();
    const files = { 'etcd/peer': 'etcd/ca', apiserver: 'ca', 'front-proxy-client': 'front-proxy-ca' };
    for (const [leaf, ca] of Object.entries(files)) {
      openssl.write('leaf.crt', await textAt(node.host, `/etc/kubernetes/pki/${leaf}.crt`));
      openssl.write('ca.crt', await textAt(node.host, `/etc/kubernetes/pki/${ca}.crt`));
      const time = `-attime ${NOW.getTime() / 1000}`;
      expect(openssl.run(`verify -x509_strict ${time} -CAfile ca.crt leaf.crt`)).toContain('OK');
      expect(await textAt(node.host, `/etc/kubernetes/pki/${leaf}.key`)).toBe(
        textIn(node.tree, `/etc/kubernetes/pki/${leaf}.key`),
      );
    }
  });

  it('changes one scalar of a kubeconfig and not a byte more', async () => {
    const node = await kubeadmNode({ expired: ['admin.conf'], caBundle: true });
    await renew(node);
    const old = textIn(node.tree, '/etc/kubernetes/admin.conf');
    const now = await textAt(node.host, '/etc/kubernetes/admin.conf');
    const mask = (text: string): string => text.replace(/client-certificate-data: .*/, '');
    expect(mask(now)).toBe(mask(old));
    expect(now).not.toBe(old);
    expect(dataOf(now, 'certificate-authority-data').match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  const contextsIn = (kubeconfig: string): string =>
    kubeconfig
      .replace(/^current-context:.*\n/m, '')
      .replace(/^(contexts:\n- context:\n(?: {4}.*\n)+) {2}name:.*\n/m, '$1');

  it('renews a kubeconfig with one context without a name, and not a byte more', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['admin.conf'] }, (files) => {
      putFile(files, '/etc/kubernetes/admin.conf', contextsIn(textIn(files, '/etc/kubernetes/admin.conf')));
    });
    const path = '/etc/kubernetes/admin.conf';
    const before = await textAt(node.host, path);
    expect(before).not.toContain('admin@kubernetes');
    expect((await renew(node)).map(({ id }) => id)).toEqual(['kubeconfig/renew/admin.conf']);
    const after = await textAt(node.host, path);
    const scalar = /client-certificate-data: (\S+)/;
    expect(after.replace(scalar, '')).toBe(before.replace(scalar, ''));
  });

  it('renews a kubeconfig in UTF-16, as UTF-8', async () => {
    const path = '/etc/kubernetes/scheduler.conf';
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['scheduler.conf'] });
    const before = await textAt(node.host, path);
    await node.host.writeFile(hostPath(path), Buffer.from(`\u{feff}${before}`, 'utf16le'), { mode: 0o600 });
    expect((await renew(node)).map(({ id }) => id)).toEqual(['kubeconfig/renew/scheduler.conf']);
    const scalar = /client-certificate-data: (\S+)/;
    expect((await textAt(node.host, path)).replace(scalar, '')).toBe(before.replace(scalar, ''));
  });

  it('passes over a kubeconfig that no component needs and that cannot be read', async () => {
    const path = '/etc/kubernetes/super-admin.conf';
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['scheduler.conf'] }, (files) => {
      putFile(files, path, 'clusters: [');
    });
    expect(await findingOf(node, 'kubeconfig/renew/super-admin.conf')).toMatchObject({
      status: 'ok',
      warnings: [
        expect.stringMatching(/super-admin\.conf is left as it is.*kubeadm init phase kubeconfig super-admin/),
      ],
      changes: [],
    });
    expect((await renew(node)).map(({ id }) => id)).toEqual(['kubeconfig/renew/scheduler.conf']);
    expect(await textAt(node.host, path)).toBe('clusters: [');
  });

  it('is blocked by a kubeconfig that a component needs', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
      putFile(files, '/etc/kubernetes/scheduler.conf', 'clusters: [');
    });
    expect(await findingOf(node, 'kubeconfig/renew/scheduler.conf')).toMatchObject({
      status: 'blocked',
      code: 'PKI_KUBECONFIG_INVALID',
    });
  });

  it('renews the file that a kubeconfig names instead of the kubeconfig, behind a link, with its other blocks', async () => {
    const node = await kubeadmNode({ expired: ['scheduler.conf'] }, (files, { pairs }) => {
      const { certificate, key } = pairs['scheduler.conf'];
      const conf = textIn(files, '/etc/kubernetes/scheduler.conf')
        .replace(/client-certificate-data: .*/, 'client-certificate: pki/scheduler.pem')
        .replace(/client-key-data: .*/, 'client-key: pki/scheduler.pem');
      putFile(files, '/etc/kubernetes/scheduler.conf', conf);
      files.set(hostPath('/etc/kubernetes/pki/scheduler.pem'), { kind: 'link', target: '../real.pem' });
      putFile(files, '/etc/kubernetes/real.pem', `# ours\n${key}${certificate}${pairs.ca.certificate}`, 0o640);
    });
    const made = await renew(node);
    expect(made).toMatchObject([
      { changes: [{ kind: 'file.replace', target: '/etc/kubernetes/real.pem', mode: 0o640 }] },
    ]);
    expect(await textAt(node.host, '/etc/kubernetes/scheduler.conf')).toBe(
      textIn(node.tree, '/etc/kubernetes/scheduler.conf'),
    );
    const { key } = node.pki.pairs['scheduler.conf'];
    const pem = await textAt(node.host, '/etc/kubernetes/real.pem');
    expect(pem.startsWith(`${key}-----BEGIN CERTIFICATE-----\n`)).toBe(true);
    expect(pem.endsWith(`-----END CERTIFICATE-----\n${node.pki.pairs.ca.certificate}`)).toBe(true);
  });

  it('gives the kubelet a dated file of its own and points the link at it; the old file and kubelet.conf stay', async () => {
    const node = await kubeadmNode({ expired: ['kubelet-client'], kubeletAlgorithm: 'ecdsa' });
    const oldTarget = await node.host.readLink(CURRENT);
    const made = await renew(node);
    const dated = '/var/lib/kubelet/pki/kubelet-client-2026-03-01-12-00-00.pem';
    expect(made).toMatchObject([
      {
        id: 'kubelet/renew/client',
        changes: [
          { kind: 'file.replace', target: dated, before: 'absent', after: 'generated', mode: 0o600, uid: 0, gid: 0 },
          { kind: 'symlink.replace', target: CURRENT, before: `link:${oldTarget}`, after: dated },
        ],
      },
    ]);
    const pem = await textAt(node.host, dated);
    expect(pem.endsWith(`-----END CERTIFICATE-----\n${node.pki.pairs['kubelet-client'].key}`)).toBe(true);
    expect(new X509Certificate(pem).subject).toBe('O=system:nodes\nCN=system:node:node01');
    expect(await textAt(node.host, oldTarget ?? '')).toBe(textIn(node.tree, oldTarget ?? ''));
    expect(await textAt(node.host, '/etc/kubernetes/kubelet.conf')).toBe(
      textIn(node.tree, '/etc/kubernetes/kubelet.conf'),
    );
  });

  it('never writes over a dated file of the kubelet, not even within one second', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['kubelet-client'] });
    await renew(node);
    const first = await textAt(node.host, CURRENT);
    await renew(node, { all: true });
    expect(await node.host.readLink(CURRENT)).toBe('/var/lib/kubelet/pki/kubelet-client-2026-03-01-12-00-01.pem');
    expect(await textAt(node.host, '/var/lib/kubelet/pki/kubelet-client-2026-03-01-12-00-00.pem')).toBe(first);
  });

  it('has a certificate of a former CA signed by the present one', async () => {
    const former = await kubeadmNode({ algorithm: 'ecdsa' });
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
      for (const part of ['certificate', 'key'] as const) {
        const file = `/etc/kubernetes/pki/etcd/peer.${part === 'key' ? 'key' : 'crt'}`;
        putFile(files, file, former.pki.pairs['etcd/peer'][part]);
      }
    });
    expect((await renew(node)).map(({ id }) => id)).toEqual(['pki/renew/etcd/peer']);
  });

  it('puts the new certificate into a kubelet.conf that embeds the stale one, too', async () => {
    const node = await kubeadmNode({ expired: ['kubelet-client'] }, embedKubeletCertificate);
    await renew(node);
    const conf = await textAt(node.host, '/etc/kubernetes/kubelet.conf');
    const pem = await textAt(node.host, CURRENT);
    expect(pem).toBe(dataOf(conf, 'client-certificate-data') + dataOf(conf, 'client-key-data'));
    expect(conf).toContain('# by hand');
  });

  it("turns a kubelet's file in place of its link into a link", async () => {
    const node = await kubeadmNode({ expired: ['kubelet-client'] }, (files, { pairs }) => {
      putFile(files, CURRENT, pairs['kubelet-client'].certificate + pairs['kubelet-client'].key);
    });
    await renew(node);
    expect(await node.host.readLink(CURRENT)).toBe('/var/lib/kubelet/pki/kubelet-client-2026-03-01-12-00-00.pem');
  });

  it('keeps mode and owner of a replaced file', async () => {
    const node = await kubeadmNode({ expired: ['etcd/server'] });
    const crt = hostPath('/etc/kubernetes/pki/etcd/server.crt');
    await node.host.writeFile(crt, Buffer.from(node.pki.pairs['etcd/server'].certificate), {
      mode: 0o640,
      owner: { uid: 7, gid: 8 },
    });
    await renew(node);
    expect(await node.host.stat(crt)).toMatchObject({ mode: 0o640, uid: 7, gid: 8 });
  });

  it('adds the name of an address that a certificate is served on', async () => {
    const changes = { 'kube-apiserver': { 'advertise-address': '10.9.0.99' } };
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, undefined, changes);
    expect((await renew(node)).map(({ id }) => id)).toEqual(['pki/renew/apiserver']);
    const crt = new X509Certificate(await textAt(node.host, '/etc/kubernetes/pki/apiserver.crt'));
    expect(crt.subjectAltName).toMatch(
      /DNS:node01, IP Address:10\.96\.0\.1, IP Address:10\.9\.0\.11, IP Address:10\.9\.0\.99$/,
    );
  });
});

describe('which certificates are renewed', () => {
  it('are empty on a healthy node', async () => {
    expect(await renew(await kubeadmNode())).toEqual([]);
  });

  it('are those that expire soon with expiringWithinDays', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    expect(await renew(node, { expiringWithinDays: 100 })).toEqual([]);
    expect(await renew(node, { expiringWithinDays: 200 })).toHaveLength(LEAF_NAMES.length);
  });

  it('are all with `all`, each with a new key of the same form with `newKeys`', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    expect(await renew(node, { all: true, newKeys: true, days: 10 })).toHaveLength(LEAF_NAMES.length);
    const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), {
      now: NOW,
      expiringWithinDays: 0,
    });
    expect(rows.filter(({ kind, daysLeft, status }) => kind !== 'ca' && (daysLeft !== 10 || status !== 'ok'))).toEqual(
      [],
    );
    const key = await textAt(node.host, '/etc/kubernetes/pki/apiserver.key');
    expect(key).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
    expect(key).not.toBe(node.pki.pairs.apiserver.key);
    expect(dataOf(await textAt(node.host, '/etc/kubernetes/admin.conf'), 'client-key-data')).not.toBe(
      node.pki.pairs['admin.conf'].key,
    );
  });

  it('never outlive their CA, and the plan says so', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['apiserver'] });
    const finding = await findingOf(node, 'pki/renew/apiserver', { days: 36_500 });
    const end = formatTime(new X509Certificate(node.pki.pairs.ca.certificate).validToDate);
    expect(finding.evidence.at(-1)).toBe(`the new certificate is valid until ${end}, when its CA expires`);
  });

  it('are as long as before, and the plan names both ends and a change of the lifetime', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['apiserver'] });
    const oldEnd = formatTime(new X509Certificate(node.pki.pairs.apiserver.certificate).validToDate);
    const endIn = (days: number): string => formatTime(new Date(NOW.getTime() + days * 24 * 60 * 60 * 1000));
    const same = await findingOf(node, 'pki/renew/apiserver');
    expect(same.summary).toBe(
      `API server serving certificate expired on ${oldEnd}; the new one is valid until ${endIn(365)}`,
    );
    expect(same.evidence.slice(-2)).toEqual([
      `the old certificate ends on ${oldEnd}`,
      `the new certificate is valid until ${endIn(365)}`,
    ]);
    const short = await findingOf(node, 'pki/renew/apiserver', { days: 3 });
    expect(short.summary).toContain(`the new one is valid until ${endIn(3)} (3 days, was 365 days)`);
    const valid = await findingOf(node, 'pki/renew/etcd/server', { all: true });
    expect(valid.summary).toMatch(/: renewal requested; valid until .* UTC, the new one until .* UTC$/);
  });

  it('end with their CA when the old one was meant never to end, years past 2049', async () => {
    using openssl = openOpenSsl();
    const path = '/etc/kubernetes/pki/apiserver.crt';
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files, { pairs }) => {
      openssl.write('ca.crt', pairs.ca.certificate);
      openssl.write('ca.key', pairs.ca.key);
      openssl.write('old.crt', pairs.apiserver.certificate);
      openssl.write('old.key', pairs.apiserver.key);
      const names = new X509Certificate(pairs.apiserver.certificate).subjectAltName?.replaceAll('IP Address', 'IP');
      openssl.write('old.cnf', `keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`);
      openssl.run('x509 -x509toreq -in old.crt -signkey old.key -out old.csr');
      openssl.run('x509 -req -in old.csr -CA ca.crt -CAkey ca.key -days 2900000 -extfile old.cnf -out new.crt');
      putFile(files, path, openssl.read('new.crt'), 0o644);
    });
    expect(new X509Certificate(await textAt(node.host, path)).validToDate.getUTCFullYear()).toBeGreaterThan(9900);
    const { summary } = await findingOf(node, 'pki/renew/apiserver', { all: true });
    expect(summary).toMatch(/the new one until 20.*, when its CA expires \(36500 days, was 2900000 days\)$/);
    await renew(node, { all: true });
    const renewed = new X509Certificate(await textAt(node.host, path));
    expect(renewed.validToDate).toEqual(new X509Certificate(node.pki.pairs.ca.certificate).validToDate);
  });

  it('refuse an invalid lifetime', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    await expectCode(stepsOf(node, { days: 0 }), 'PKI_LIFETIME_INVALID');
  });
});

describe('what cannot be renewed', () => {
  const options = { algorithm: 'ecdsa', expired: ['apiserver'] } as const;

  it.each<[string, Parameters<typeof kubeadmNode>, string, RegExp]>([
    [
      'because the CA key is missing',
      [{ ...options, missingCaKeys: ['ca'] }],
      'PKI_CA_KEY_MISSING',
      /put the key of the cluster CA at \/etc\/kubernetes\/pki\/ca\.key/,
    ],
    [
      'because its CA has expired',
      [{ ...options, expired: ['apiserver', 'ca'] }],
      'PKI_CA_EXPIRED',
      /rotate-ca cluster --same-key/,
    ],
    [
      'because only its CA has expired',
      [{ algorithm: 'ecdsa', expired: ['ca'] }],
      'PKI_CA_EXPIRED',
      /rotate-ca cluster --same-key/,
    ],
    [
      'because the CA key belongs to another certificate',
      [options, (files, { pairs }) => putFile(files, '/etc/kubernetes/pki/ca.key', pairs.apiserver.key)],
      'PKI_CA_KEY_MISMATCH',
      /put the key for the certificate in/,
    ],
    [
      'because either key or certificate may be the right one',
      [{ algorithm: 'ecdsa', wrongKey: ['apiserver'] }],
      'PKI_KEY_MISMATCH',
      /--new-keys/,
    ],
    [
      'because it is damaged',
      [options, (files) => putFile(files, '/etc/kubernetes/pki/apiserver.crt', 'AAAA')],
      'PKI_PEM_INVALID',
      /restore/,
    ],
  ])('is blocked %s, and the hint says what unblocks it', async (_title, [nodeOptions, edit], code, hint) => {
    const node = await kubeadmNode(nodeOptions, edit);
    const finding = await findingOf(node, 'pki/renew/apiserver');
    expect(finding).toMatchObject({
      status: 'blocked',
      code,
      subject: expect.stringContaining('/etc/kubernetes/pki/'),
      changes: [],
    });
    expect(finding.hint).toMatch(hint);
  });

  it("is blocked by a clock before the CA's notBefore, and the hint names the clock", async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    const finding = await findingOf(node, 'pki/renew/apiserver', {}, new Date('2009-01-01T00:00:00Z'));
    expect(finding).toMatchObject({
      status: 'blocked',
      code: 'PKI_CLOCK_BEFORE_CA',
      hint: expect.stringContaining('clock'),
    });
  });

  it('is unknown, not ok, when a file cannot be read', async () => {
    const flags = { 'cert-file': '/etc/kubernetes/pki' };
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, undefined, { etcd: flags });
    expect(await findingOf(node, 'pki/renew/etcd/server')).toMatchObject({
      status: 'unknown',
      code: 'HOST_NOT_A_REGULAR_FILE',
    });
  });

  it('can be renewed with new keys when only the key was wrong, damaged or missing', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', wrongKey: ['apiserver'] }, (files) => {
      putFile(files, '/etc/kubernetes/pki/etcd/server.key', 'damaged');
      files.delete(hostPath('/etc/kubernetes/pki/front-proxy-client.key'));
    });
    const made = await renew(node, { newKeys: true });
    expect(made.map(({ id }) => id)).toEqual([
      'pki/renew/etcd/server',
      'pki/renew/apiserver',
      'pki/renew/front-proxy-client',
    ]);
    expect(await node.host.stat(hostPath('/etc/kubernetes/pki/front-proxy-client.key'))).toMatchObject({ mode: 0o600 });
  });
});

describe("the kubelet's own serving pair", () => {
  const CRT = '/var/lib/kubelet/pki/kubelet.crt';
  const KEY = '/var/lib/kubelet/pki/kubelet.key';

  /** As client-go makes it: a leaf of a discarded CA. */
  async function plantPair(
    files: Parameters<NonNullable<Parameters<typeof kubeadmNode>[1]>>[0],
    subject: string,
    issuer: string,
  ) {
    using openssl = openOpenSsl();
    openssl.run(`req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=${issuer}`);
    openssl.run(`req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=${subject}`);
    openssl.run('x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -set_serial 2 -days 1 -out leaf.crt');
    putFile(files, CRT, openssl.read('leaf.crt') + openssl.read('ca.crt'), 0o644);
    putFile(files, KEY, openssl.read('leaf.key'));
  }
  const later = new Date(Date.now() + 3 * 24 * 60 * 60 * 1000);

  it('is removed when it has expired, so that the kubelet creates a new one', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) =>
      plantPair(files, 'node01@1700000000', 'node01-ca@1700000000'),
    );
    const [step] = (await stepsOf(node, {}, later)).filter(({ id }) => id === 'kubelet/renew/serving');
    const finding = await step?.check(signal);
    expect(finding).toMatchObject({
      status: 'needed',
      changes: [
        { kind: 'file.remove', target: CRT },
        { kind: 'file.remove', target: KEY },
      ],
    });
    await step?.apply(finding?.changes ?? [], directJournal(node.host), signal);
    expect(await step?.verify(signal)).toEqual({ verified: true, evidence: [`${CRT} is gone`, `${KEY} is gone`] });
    expect(await node.host.readFile(hostPath(KEY))).toBeUndefined();
    expect(await step?.check(signal)).toMatchObject({ status: 'ok' });
  });

  it('is removed while it is valid when it is named, and blocks when another tool issued it', async () => {
    const named: readonly CertificateId[] = ['kubelet-serving'];
    const own = await kubeadmNode({ algorithm: 'ecdsa' }, (files) =>
      plantPair(files, 'node01@1700000000', 'node01-ca@1700000000'),
    );
    const other = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => plantPair(files, 'node01.example', 'corporate'));
    expect(await findingOf(own, 'kubelet/renew/serving', { named }, new Date())).toMatchObject({
      status: 'needed',
      changes: [{ kind: 'file.remove' }, { kind: 'file.remove' }],
    });
    expect(await findingOf(other, 'kubelet/renew/serving', { named }, new Date())).toMatchObject({
      status: 'blocked',
      code: 'PKI_CA_KEY_ELSEWHERE',
    });
  });

  it('stays while it is valid, also when all are renewed', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) =>
      plantPair(files, 'node01@1700000000', 'node01-ca@1700000000'),
    );
    expect(await findingOf(node, 'kubelet/renew/serving', { all: true }, new Date())).toMatchObject({ status: 'ok' });
  });

  it('is blocked when it has expired and another tool issued it', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => plantPair(files, 'node01.example', 'corporate'));
    expect(await findingOf(node, 'kubelet/renew/serving', {}, later)).toMatchObject({
      status: 'blocked',
      code: 'PKI_CERTIFICATE_EXPIRED',
      hint: expect.stringContaining('the kubelet did not create this certificate'),
    });
  });
});

describe('a step', () => {
  it('stops when its certificate was removed after the plan', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['admin.conf'] });
    const only: readonly CertificateId[] = ['admin.conf'];
    const inventory = await inspectCertificates({ ...node.input, only }, { host: node.host });
    const [step] = createRenewalSteps({ inventory }, { host: node.host, clock: createFixedClock(NOW) });
    const finding = await step?.check(signal);
    await node.host.remove(hostPath('/etc/kubernetes/admin.conf'));
    const applied = step?.apply(finding?.changes ?? [], directJournal(node.host), signal) ?? Promise.resolve();
    await expectCode(applied, 'PKI_CERTIFICATE_MISSING');
  });

  it('detects that another process overwrote the renewed file', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['apiserver'] });
    const [step] = (await stepsOf(node)).filter(({ id }) => id === 'pki/renew/apiserver');
    const finding = await step?.check(signal);
    await step?.apply(finding?.changes ?? [], directJournal(node.host), signal);
    const crt = hostPath('/etc/kubernetes/pki/apiserver.crt');
    const renewed = (await node.host.readFile(crt)) ?? new Uint8Array();
    await node.host.writeFile(crt, renewed, { mode: 0o600 });
    expect(await step?.verify(signal)).toMatchObject({
      verified: false,
      reason: expect.stringContaining('mode or owner'),
    });
    await node.host.writeFile(crt, Buffer.from(node.pki.pairs.apiserver.certificate), { mode: 0o644 });
    expect(await step?.verify(signal)).toMatchObject({ verified: false, reason: expect.stringContaining('expired') });
  });
});

describe('the verification of a renewed certificate', () => {
  it('fails with the key of another certificate, and with a link to the old file', async () => {
    const [node, other] = await Promise.all([
      kubeadmNode({ algorithm: 'ecdsa', expired: ['apiserver', 'kubelet-client'] }),
      kubeadmNode({ algorithm: 'ecdsa' }),
    ]);
    const before = await node.host.readLink(CURRENT);
    const steps = await stepsOf(node);
    for (const id of ['pki/renew/apiserver', 'kubelet/renew/client']) {
      const step = steps.find((each) => each.id === id);
      await step?.apply((await step.check(signal)).changes, directJournal(node.host), signal);
      expect(await step?.verify(signal), id).toMatchObject({ verified: true });
    }
    const verdictOf = (id: string) => steps.find((each) => each.id === id)?.verify(signal);
    const key = Buffer.from(other.pki.pairs.apiserver.key);
    await node.host.writeFile(hostPath('/etc/kubernetes/pki/apiserver.key'), key, { mode: 0o600 });
    expect(await verdictOf('pki/renew/apiserver')).toMatchObject({
      verified: false,
      reason: expect.stringContaining('key'),
    });
    await node.host.writeLink(CURRENT, before ?? '');
    expect(await verdictOf('kubelet/renew/client')).toMatchObject({ verified: false });
  });
});

describe('renewing with additional names and new keys', () => {
  it('adds DNS names and addresses of both families, once, and keeps the others', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    const addNames = ['api.example.com', '*.api.example.com', '10.0.0.9', 'fd00::9', 'node01'];
    const input = { ...node.input, only: ['apiserver'] as const };
    const made = await renew({ ...node, input }, { addNames });
    expect(made.map(({ id }) => id)).toEqual(['pki/renew/apiserver']);
    const certificate = new X509Certificate(await textAt(node.host, '/etc/kubernetes/pki/apiserver.crt'));
    const names = certificate.subjectAltName?.split(', ') ?? [];
    const old = new X509Certificate(node.pki.pairs.apiserver.certificate).subjectAltName?.split(', ') ?? [];
    expect(names.slice(0, old.length)).toEqual(old);
    expect(names.slice(old.length)).toEqual([
      'DNS:api.example.com',
      'DNS:*.api.example.com',
      'IP Address:10.0.0.9',
      'IP Address:FD00:0:0:0:0:0:0:9',
    ]);
    expect(await renew({ ...node, input }, { addNames })).toEqual([]);
  });

  it.each(['', 'a b', 'https://x', 'x:6443', '-x', '1.2.3', '10.0.0.256', '*', 'a..b', 'x'.repeat(64)])(
    'refuses an invalid name: "%s"',
    async (name) => {
      const node = await kubeadmNode({ algorithm: 'ecdsa' });
      await expectCode(stepsOf(node, { addNames: [name === '' ? ' ' : name] }), 'PKI_NAME_INVALID');
    },
  );

  it.each([
    ['rsa-2048', 'Public-Key: (2048 bit)', 'RSA PRIVATE KEY'],
    ['rsa-3072', 'Public-Key: (3072 bit)', 'RSA PRIVATE KEY'],
    ['rsa-4096', 'Public-Key: (4096 bit)', 'RSA PRIVATE KEY'],
    ['ecdsa-p256', 'NIST CURVE: P-256', 'EC PRIVATE KEY'],
    ['ecdsa-p384', 'NIST CURVE: P-384', 'EC PRIVATE KEY'],
  ] as const)('makes %s keys, whatever the old ones and the CA are', async (keyAlgorithm, expected, label) => {
    const node = await kubeadmNode({ algorithm: keyAlgorithm.startsWith('rsa') ? 'ecdsa' : 'rsa' });
    const only = ['etcd/peer', 'scheduler.conf', 'kubelet-client'] as const;
    await renew({ ...node, input: { ...node.input, only } }, { all: true, newKeys: true, keyAlgorithm });
    using openssl = openOpenSsl();
    openssl.write('ca.crt', await textAt(node.host, '/etc/kubernetes/pki/etcd/ca.crt'));
    openssl.write('leaf.crt', await textAt(node.host, '/etc/kubernetes/pki/etcd/peer.crt'));
    expect(openssl.run('x509 -in leaf.crt -noout -text')).toContain(expected);
    expect(openssl.run(`verify -x509_strict -attime ${NOW.getTime() / 1000} -CAfile ca.crt leaf.crt`)).toContain('OK');
    for (const path of ['/etc/kubernetes/pki/etcd/peer.key', CURRENT]) {
      expect(await textAt(node.host, path)).toContain(`BEGIN ${label}`);
    }
    const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), { now: NOW });
    expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
  });
});
