import { hostPath } from '@kube-rescue/host';
import { buildPki, type CaName, createFixedClock, issueCertificate, type PkiOptions } from '@kube-rescue/testing';
import { encodePem, isSameSubject, parseCertificates, parsePrivateKey, reissueCa } from '@kube-rescue/x509';
import { describe, expect, it } from 'vitest';
import { inspectCertificates } from '../inventory/inventory.ts';
import { reportCertificates } from '../judgement/report.ts';
import { directJournal, kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import { createReissueSteps } from './ca-steps.ts';
import { createRenewalSteps } from './renewal-steps.ts';

type Edit = NonNullable<Parameters<typeof kubeadmNode>[1]>;

const { signal } = new AbortController();
const PKI = '/etc/kubernetes/pki';
const EC = { algorithm: 'ecdsa' } as const;

const emptied = (name: CaName): Edit => {
  return (files) => putFile(files, `${PKI}/${name}.crt`, '', 0o644);
};

async function stepsOf({ host, input }: Node, now = NOW) {
  const clock = createFixedClock(now);
  const inventory = await inspectCertificates(input, { host });
  const reissued = inventory.cas.map(({ id }) => id);
  return [
    ...createReissueSteps({ inventory }, { host, clock }),
    ...createRenewalSteps({ inventory, reissued }, { host, clock }),
  ];
}

async function findingsOf(node: Node, now = NOW) {
  const findings = await Promise.all(
    (await stepsOf(node, now)).map(async ({ id, check }) => ({ id, ...(await check(signal)) })),
  );
  return findings.filter(({ status }) => status !== 'ok');
}

const findingOf = async (node: Node, id: string, now = NOW) =>
  (await findingsOf(node, now)).find((finding) => finding.id === id);

/** Applies the steps that are needed, in order, and returns their ids. */
async function fix(node: Node): Promise<readonly string[]> {
  const made: string[] = [];
  for (const step of await stepsOf(node)) {
    const finding = await step.check(signal);
    if (finding.status === 'ok') continue;
    expect(finding).toMatchObject({ status: 'needed' });
    await step.apply((step.plan as (seen: unknown) => never)(finding), directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    made.push(step.id);
  }
  return made;
}

async function statusesOf(node: Node): Promise<readonly string[]> {
  const inventory = await inspectCertificates(node.input, { host: node.host });
  return reportCertificates(inventory, { now: NOW }).map(({ status }) => status);
}

const caIn = (text: string) => parseCertificates(text, 'ca.crt')[0];

describe('the lost certificate of a CA that a kubeconfig trusts', () => {
  it.each<[string, Edit]>([
    ['missing', (files) => files.delete(hostPath(`${PKI}/ca.crt`)) as never],
    ['empty', emptied('ca')],
    ['torn', (files) => putFile(files, `${PKI}/ca.crt`, textIn(files, `${PKI}/ca.crt`).slice(0, 300), 0o644)],
  ])('is written again byte for byte, and nothing else (%s)', async (_how, edit) => {
    const node = await kubeadmNode(EC, edit);
    const steps = await stepsOf(node);
    expect(steps[0]).toMatchObject({ title: 'write the lost certificate of the cluster CA again' });
    expect((await findingsOf(node)).map(({ id }) => id)).toEqual(['pki/reissue/cluster-ca']);
    expect(await fix(node)).toEqual(['pki/reissue/cluster-ca']);
    expect(await textAt(node.host, `${PKI}/ca.crt`)).toBe(node.pki.pairs.ca.certificate);
    expect(await node.host.stat(hostPath(`${PKI}/ca.crt`))).toMatchObject({ mode: 0o644 });
    expect(new Set(await statusesOf(node))).toEqual(new Set(['ok']));
    expect(await findingsOf(node)).toEqual([]);
  });

  it('is the one with the latest end, alone, from a bundle in a flag', async () => {
    const other = await buildPki({ now: NOW, ...EC });
    let newest = '';
    const node = await kubeadmNode(
      EC,
      (files, { pairs }) => {
        const template = caIn(pairs.ca.certificate);
        const { key } = parsePrivateKey(pairs.ca.key, 'ca.key');
        const validity = { notBefore: template.notBefore, notAfter: new Date('2044-01-01T00:00:00Z') };
        newest = encodePem(
          'CERTIFICATE',
          reissueCa({ template, key, keySource: 'ca.key', validity, subject: 'ca.crt' }).der,
        );
        putFile(files, `${PKI}/ca.crt`, '', 0o644);
        putFile(files, `${PKI}/bundle.crt`, `${other.pairs.ca.certificate}${newest}`, 0o644);
      },
      { 'kube-controller-manager': { 'root-ca-file': `${PKI}/bundle.crt` } },
    );
    const finding = await findingOf(node, 'pki/reissue/cluster-ca');
    expect(finding?.warnings).toEqual([expect.stringContaining('trusts 1 more certificate;')]);
    expect(await fix(node)).toEqual(['pki/reissue/cluster-ca']);
    expect(await textAt(node.host, `${PKI}/ca.crt`)).toBe(newest);
  });

  it('is reissued in the same step when it has expired, in the kubeconfigs too', async () => {
    const node = await kubeadmNode({ ...EC, expired: ['ca'] }, emptied('ca'));
    expect(await fix(node)).toEqual(['pki/reissue/cluster-ca']);
    const written = caIn(await textAt(node.host, `${PKI}/ca.crt`));
    expect(written.notAfter > NOW).toBe(true);
    const data = Buffer.from(await textAt(node.host, `${PKI}/ca.crt`)).toString('base64');
    expect(await textAt(node.host, '/etc/kubernetes/admin.conf')).toContain(data);
    expect(new Set(await statusesOf(node))).toEqual(new Set(['ok']));
  });

  it('is no reason to renew its leaves, and comes before the renewal of an expired one', async () => {
    const node = await kubeadmNode({ ...EC, expired: ['apiserver'] }, emptied('ca'));
    const waitsFor = ['pki/reissue/cluster-ca'];
    expect(await findingOf(node, 'pki/renew/apiserver')).toMatchObject({ status: 'blocked', waitsFor, changes: [] });
    expect(await fix(node)).toEqual(['pki/reissue/cluster-ca', 'pki/renew/apiserver']);
    expect(new Set(await statusesOf(node))).toEqual(new Set(['ok']));
  });
});

describe('the lost certificate of a CA that no other file has', () => {
  it.each<[CaName, string, string, PkiOptions['algorithm']]>([
    ['etcd/ca', 'etcd-ca', 'etcd/server', 'ecdsa'],
    ['etcd/ca', 'etcd-ca', 'etcd/server', 'rsa'],
    ['front-proxy-ca', 'front-proxy-ca', 'front-proxy-client', 'ecdsa'],
  ])('is issued again under the name that its leaves prove (%s, %s, %s, %s)', async (name, id, leaf, algorithm) => {
    const node = await kubeadmNode({ algorithm }, emptied(name));
    expect(await findingsOf(node)).toMatchObject([
      { id: `pki/reissue/${id}`, status: 'needed', warnings: [expect.stringMatching(/it stays valid too/)] },
    ]);
    expect(await fix(node)).toEqual([`pki/reissue/${id}`]);
    const text = await textAt(node.host, `${PKI}/${name}.crt`);
    const lost = caIn(node.pki.pairs[name].certificate);
    expect(isSameSubject(caIn(text), lost)).toBe(true);
    expect(caIn(text).notAfter).toEqual(new Date(NOW.getTime() + 3650 * 86_400_000));
    using openssl = openOpenSsl();
    openssl.write('ca.crt', text);
    openssl.write('leaf.crt', textIn(node.tree, `${PKI}/${leaf}.crt`));
    const at = String(NOW.getTime() / 1000);
    expect(openssl.run(`verify -attime ${at} -CAfile ca.crt leaf.crt`)).toContain('OK');
    expect(new Set(await statusesOf(node))).toEqual(new Set(['ok']));
  });

  it('is issued again from leaves that have all expired, which are renewed after it', async () => {
    const node = await kubeadmNode({ ...EC, expired: ['front-proxy-client'] }, emptied('front-proxy-ca'));
    expect(await fix(node)).toEqual(['pki/reissue/front-proxy-ca', 'pki/renew/front-proxy-client']);
    expect(new Set(await statusesOf(node))).toEqual(new Set(['ok']));
  });
});

describe('the lost certificate of a CA is not guessed', () => {
  const without =
    (...paths: readonly string[]): Edit =>
    (files) => {
      putFile(files, `${PKI}/front-proxy-ca.crt`, '', 0o644);
      for (const path of paths) files.delete(hostPath(`${PKI}/${path}`));
    };

  it.each<[string, Edit, RegExp]>([
    ['without its key', without('front-proxy-ca.key'), /its key is not on this node/],
    ['without a leaf', without('front-proxy-client.crt'), /no certificate of this node shows its name/],
    [
      'for a key that signed no leaf',
      async (files) => {
        const foreign = await buildPki({ now: NOW, ...EC });
        putFile(files, `${PKI}/front-proxy-ca.crt`, '', 0o644);
        putFile(files, `${PKI}/front-proxy-ca.key`, foreign.pairs['front-proxy-ca'].key);
      },
      /front-proxy-ca\.key has signed no certificate of this node/,
    ],
  ])('%s', async (_title, edit, reason) => {
    const node = await kubeadmNode(EC, edit);
    const finding = await findingOf(node, 'pki/reissue/front-proxy-ca');
    expect(finding).toMatchObject({ status: 'blocked', changes: [], subject: `${PKI}/front-proxy-ca.crt` });
    expect(finding?.summary).toMatch(/^front proxy CA: the file is empty; it cannot be written again: /);
    expect(finding?.summary).toMatch(reason);
    expect(finding?.hint).toMatch(/from a control-plane node where the file is whole, or from a backup/);
    expect(finding?.hint).not.toMatch(/recover|remove/);
    const leaf = await findingOf(node, 'pki/renew/front-proxy-client');
    expect(leaf === undefined || leaf.status === 'blocked').toBe(true);
  });

  it('where its leaves name different issuers', async () => {
    const node = await kubeadmNode(EC, async (files, { pairs }) => {
      const dates = { notBefore: new Date(NOW.getTime() - 86_400_000), notAfter: new Date(NOW.getTime() + 86_400_000) };
      const { key } = pairs['etcd/ca'];
      const root = { ...dates, subject: '/CN=another', key, extensions: ['basicConstraints=critical,CA:TRUE'] };
      const issuer = { certificate: await issueCertificate(root), key };
      const request = {
        ...dates,
        subject: '/CN=node01',
        key: pairs['etcd/peer'].key,
        extensions: ['basicConstraints=CA:FALSE'],
      };
      putFile(files, `${PKI}/etcd/peer.crt`, await issueCertificate({ ...request, issuer }), 0o644);
      putFile(files, `${PKI}/etcd/ca.crt`, '', 0o644);
    });
    const finding = await findingOf(node, 'pki/reissue/etcd-ca');
    expect(finding?.summary).toMatch(/server\.crt and \S+peer\.crt name different issuers$/);
  });

  it('by a clock before the certificates of the node', async () => {
    const node = await kubeadmNode(EC, emptied('etcd/ca'));
    const finding = await findingOf(node, 'pki/reissue/etcd-ca', new Date('2009-01-01T00:00:00Z'));
    expect(finding).toMatchObject({ status: 'blocked', summary: expect.stringContaining("by this machine's clock") });
  });

  it('from a copy that did not sign the certificates of the node', async () => {
    const node = await kubeadmNode(EC, async (files, { pairs }) => {
      const dates = { notBefore: new Date(NOW.getTime() - 86_400_000), notAfter: new Date(NOW.getTime() + 86_400_000) };
      const { key } = pairs.ca;
      const root = { ...dates, subject: '/CN=another', key, extensions: ['basicConstraints=critical,CA:TRUE'] };
      const copy = Buffer.from(await issueCertificate(root)).toString('base64');
      for (const name of ['admin', 'super-admin', 'controller-manager', 'scheduler', 'kubelet']) {
        const path = `/etc/kubernetes/${name}.conf`;
        if (!files.has(hostPath(path))) continue;
        putFile(
          files,
          path,
          textIn(files, path).replace(/certificate-authority-data: \S+/, `certificate-authority-data: ${copy}`),
        );
      }
      putFile(files, `${PKI}/ca.crt`, '', 0o644);
    });
    const finding = await findingOf(node, 'pki/reissue/cluster-ca');
    expect(finding).toMatchObject({ status: 'blocked', changes: [], summary: expect.stringContaining('do not fit') });
  });

  it('where the file holds something else', async () => {
    const node = await kubeadmNode(EC, (files) => putFile(files, `${PKI}/ca.crt`, 'see the wiki\n', 0o644));
    expect(await findingOf(node, 'pki/reissue/cluster-ca')).toMatchObject({ status: 'blocked', changes: [] });
  });
});
