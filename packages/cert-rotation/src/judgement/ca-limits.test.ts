import { createFixedClock } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { kubeadmNode, type Node, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { createRenewalSteps } from '../renewal/renewal-steps.ts';
import { reportCertificates } from './report.ts';

const CA = '/etc/kubernetes/pki/ca.crt';
/** OpenSSL signs at the time of the machine. */
const NOW = new Date(Date.now() + 3_600_000);
const clock = createFixedClock(NOW);
const { signal } = new AbortController();

/** A node whose cluster CA has the same name and key, and other extensions. */
async function nodeWith(extensions: readonly string[], digest = '-sha256'): Promise<Node> {
  using openssl = openOpenSsl();
  return await kubeadmNode({ algorithm: 'ecdsa', now: new Date() }, (files) => {
    openssl.write('ca.key', textIn(files, '/etc/kubernetes/pki/ca.key'));
    const lines = ['basicConstraints=critical,CA:TRUE', 'subjectKeyIdentifier=hash', ...extensions];
    openssl.write('ca.cnf', `[req]\nstring_mask=default\ndistinguished_name=dn\n[dn]\n[e]\n${lines.join('\n')}\n`);
    openssl.run(
      `req -x509 -new -key ca.key ${digest} -days 3650 -subj /CN=kubernetes -config ca.cnf -extensions e -out ca.crt`,
    );
    putFile(files, CA, openssl.read('ca.crt'));
  });
}

async function rowsOf(node: Node) {
  const rows = reportCertificates(await inspectCertificates(node.input, node), { now: NOW });
  return Object.fromEntries(rows.map(({ id, status, problems }) => [id, { status, problems }]));
}

async function findingOf(node: Node, options: { readonly addNames?: readonly string[] } = {}) {
  const inventory = await inspectCertificates({ ...node.input, only: ['apiserver'] }, node);
  const [step] = createRenewalSteps({ inventory, options: { all: true, ...options } }, { host: node.host, clock });
  const change = {
    kind: 'file.replace',
    target: '/etc/kubernetes/pki/apiserver.crt',
    before: 'absent',
    after: 'generated',
    mode: 0o600,
    uid: 0,
    gid: 0,
  };
  const apply = step?.apply([change], { perform: async () => undefined, waitingFor: () => undefined }, signal);
  return {
    finding: await step?.check(signal),
    signed: apply?.then(
      () => true,
      (error: unknown) => error,
    ),
  };
}

const SIGN = 'keyUsage=critical,keyCertSign';

describe('a cluster CA that may not sign for the API server', () => {
  it.each([
    ['by name constraints', [SIGN, 'nameConstraints=critical,permitted;DNS:corp.example'], 'may not sign for DNS:'],
    ['by its extended key usage', [SIGN, 'extendedKeyUsage=clientAuth'], 'may not sign server certificates'],
  ])('%s: its certificate is a problem, and no other is signed', async (_title, extensions, text) => {
    const node = await nodeWith(extensions);
    const { apiserver } = await rowsOf(node);
    expect(apiserver).toMatchObject({ status: 'problem' });
    expect(apiserver?.problems).toContainEqual(
      expect.objectContaining({ code: 'PKI_CA_FORBIDS', message: expect.stringContaining(text) }),
    );
    const { finding, signed } = await findingOf(node);
    expect(finding).toMatchObject({ status: 'blocked', changes: [] });
    expect(`${finding?.summary}${finding?.evidence.join()}`).toContain(text);
    expect(await signed).toMatchObject({ code: 'PKI_CA_FORBIDS' });
    expect(await textAt(node.host, '/etc/kubernetes/pki/apiserver.crt')).toBe(
      textIn(node.tree, '/etc/kubernetes/pki/apiserver.crt'),
    );
  });

  it.each([
    ['without keyCertSign', ['keyUsage=critical,digitalSignature'], 'lacks keyCertSign'],
    [
      'with an unknown critical extension',
      [SIGN, '1.2.3.4=critical,ASN1:UTF8:x'],
      'a critical extension that Go does not evaluate',
    ],
    [
      'with critical constraints of another kind',
      [SIGN, 'nameConstraints=critical,permitted;RID:1.2.3'],
      'a critical extension that Go does not evaluate',
    ],
  ])('%s: the CA itself is a problem, and signs nothing', async (_title, extensions, text) => {
    const node = await nodeWith(extensions);
    expect((await rowsOf(node))['ca/cluster']).toMatchObject({
      status: 'problem',
      problems: [{ code: 'PKI_CA_INVALID', message: expect.stringContaining(text) }],
    });
    expect((await findingOf(node)).finding).toMatchObject({ status: 'blocked', code: 'PKI_CA_INVALID', changes: [] });
  });
});

it('a CA with name constraints that permit all names is no problem, until a further name is requested', async () => {
  const node = await nodeWith([SIGN, 'nameConstraints=critical,excluded;DNS:example.com']);
  expect(await rowsOf(node)).toMatchObject({ apiserver: { problems: [] }, 'ca/cluster': { problems: [] } });
  expect((await findingOf(node)).finding).toMatchObject({ status: 'needed' });
  const { finding, signed } = await findingOf(node, { addNames: ['api.example.com'] });
  expect(finding).toMatchObject({ status: 'blocked', code: 'PKI_CA_FORBIDS' });
  expect(await signed).toMatchObject({ code: 'PKI_CA_FORBIDS' });
});

it('a weakly signed CA is named and still signs', async () => {
  const node = await nodeWith([SIGN], '-sha1');
  expect((await rowsOf(node))['ca/cluster']).toMatchObject({ status: 'warning', problems: [{ code: 'PKI_CA_WEAK' }] });
  expect((await findingOf(node)).finding).toMatchObject({ status: 'needed' });
});
