import { createFixedClock, type PkiOptions } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CaId } from '../inventory/catalogue.ts';
import { inspectCertificates, type InspectionInput } from '../inventory/inventory.ts';
import {
  directJournal,
  kubeadmComponents,
  kubeadmNode,
  type Node,
  NOW,
  textAt,
  textIn,
} from '../kubeadm-node.fixture.ts';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import { createIssueRenewalSteps } from './issue-renewals.ts';
import { issueProbeCertificate } from './probe-certificate.ts';
import type { RotationContext } from './rotation-file-step.ts';
import { inspectRotation } from './rotation-state.ts';
import { createDropStageStep, createTidyStep } from './drop-stage.ts';
import { createIssueStageStep } from './issue-stage.ts';
import type { RotationStepOptions } from './stage-options.ts';
import { createTrustStageStep } from './trust-stage.ts';

const { signal } = new AbortController();
const clock = createFixedClock(NOW);
const PKI = '/etc/kubernetes/pki';
const KUBECONFIGS = ['admin.conf', 'controller-manager.conf', 'scheduler.conf', 'kubelet.conf'];
const SIGNING = { 'cluster-signing-cert-file': `${PKI}/ca-signing.crt` };

/** A node whose kube-controller-manager gets its signing file by flag, as its restart step sets it. */
async function rotated(options: PkiOptions = { algorithm: 'ecdsa' }) {
  const node = await kubeadmNode(options);
  let input: InspectionInput = node.input;
  const context = (ca: CaId): RotationContext => ({
    ca,
    inspection: async () => input,
    host: node.host,
    clock,
  });
  const signSeparately = (isSeparate: boolean): void => {
    const components = kubeadmComponents(isSeparate ? { 'kube-controller-manager': SIGNING } : {});
    input = { ...input, components };
  };
  return {
    node,
    context,
    signSeparately,
    stageOf: async (id: CaId) => (await inspectRotation(id, input, node)).stage,
  };
}

async function make(step: Step, { host }: Node): Promise<string> {
  const finding = await step.check(signal);
  if (finding.status !== 'needed') return finding.status;
  await step.apply(step.plan(finding), directJournal(host), signal);
  expect(await step.verify(signal)).toMatchObject({ verified: true });
  expect((await step.check(signal)).status).toBe('ok');
  return 'made';
}

const trust = (context: RotationContext, options: RotationStepOptions = {}) =>
  createTrustStageStep(options, context) as Step;

async function renewals(context: RotationContext, { host }: Node): Promise<readonly Step[]> {
  const inventory = await inspectCertificates(await context.inspection(), { host });
  return createIssueRenewalSteps({ inventory, options: {} }, context, { host, clock });
}

const blocksIn = (text: string): number => text.split('-----BEGIN CERTIFICATE-----').length - 1;
const embedded = (kubeconfig: string): string =>
  Buffer.from(/certificate-authority-data: (\S+)/.exec(kubeconfig)?.[1] ?? '', 'base64').toString();

describe('a CA that is rotated to a new key', () => {
  it.each([
    ['cluster', 'ca', ['apiserver', 'apiserver-kubelet-client'], 'rsa'],
    ['cluster', 'ca', ['apiserver', 'apiserver-kubelet-client'], 'ecdsa'],
    ['etcd', 'etcd/ca', ['etcd/server', 'etcd/peer', 'etcd/healthcheck-client', 'apiserver-etcd-client'], 'ecdsa'],
    ['front-proxy', 'front-proxy-ca', ['front-proxy-client'], 'ecdsa'],
  ] as const)(
    'goes through three stages, each verified by OpenSSL (%s, %s, %s, %s)',
    async (ca, name, leaves, algorithm) => {
      const { node, context, signSeparately, stageOf } = await rotated({ algorithm });
      const { host } = node;
      const here = context(ca);
      const file = (): Promise<string> => textAt(host, `${PKI}/${name}.crt`);
      const old = await file();
      using openssl = openOpenSsl();
      const time = `-attime ${NOW.getTime() / 1000}`;
      const verify = async (leaf: string, bundle: string): Promise<string> => {
        openssl.write('leaf.crt', await textAt(host, `${PKI}/${leaf}.crt`));
        openssl.write('ca.crt', bundle);
        return openssl.run(`verify -x509_strict ${time} -CAfile ca.crt leaf.crt`);
      };

      expect(await stageOf(ca)).toBe('settled');
      expect(await make(trust(here), node)).toBe('made');
      expect(await stageOf(ca)).toBe('trust');
      const both = await file();
      expect(both.startsWith(old.trim())).toBe(true);
      expect(blocksIn(both)).toBe(2);
      for (const leaf of leaves) expect(await verify(leaf, both)).toContain('OK');
      signSeparately(ca === 'cluster');

      expect(await make(createIssueStageStep(here) as Step, node)).toBe('made');
      expect(await stageOf(ca)).toBe('issue');
      for (const step of await renewals(here, node)) expect(await make(step, node)).toBe('made');
      const [first = ''] = (await file()).split(/(?<=-----END CERTIFICATE-----\n)/);
      expect(old).not.toContain(first);
      for (const leaf of leaves) expect(await verify(leaf, first)).toContain('OK');

      expect(await make(createDropStageStep({ requires: [] }, here) as Step, node)).toBe('made');
      signSeparately(false);
      await make(createTidyStep({ requires: [] }, here), node);
      expect(await stageOf(ca)).toBe('settled');
      expect(await file()).toBe(first);
      // The same name and usages, another key, and an identifier of its own.
      openssl.write('old.crt', old);
      openssl.write('new.crt', first);
      const same = '-noout -subject -issuer -ext keyUsage,basicConstraints';
      expect(openssl.run(`x509 -in new.crt ${same}`)).toBe(openssl.run(`x509 -in old.crt ${same}`));
      const identifiers = ['old', 'new'].map((each) =>
        openssl.run(`x509 -in ${each}.crt -noout -ext subjectKeyIdentifier`),
      );
      expect(new Set(identifiers).size).toBe(2);
    },
  );

  it('is trusted beside the old CA in every kubeconfig, and alone at the end', async () => {
    const { node, context, signSeparately } = await rotated();
    const here = context('cluster');
    await make(trust(here), node);
    for (const name of KUBECONFIGS) {
      expect(blocksIn(embedded(await textAt(node.host, `/etc/kubernetes/${name}`)))).toBe(2);
    }
    signSeparately(true);
    await make(createIssueStageStep(here), node);
    for (const step of await renewals(here, node)) await make(step, node);
    await make(createDropStageStep({ requires: [] }, here), node);
    const ca = await textAt(node.host, `${PKI}/ca.crt`);
    for (const name of KUBECONFIGS) {
      expect(embedded(await textAt(node.host, `/etc/kubernetes/${name}`))).toBe(ca);
    }
  });

  it('keeps a single certificate in the signing file of kube-controller-manager, and removes that file at the end', async () => {
    const { node, context, signSeparately } = await rotated();
    const here = context('cluster');
    const old = await textAt(node.host, `${PKI}/ca.crt`);
    await make(trust(here), node);
    expect(await textAt(node.host, `${PKI}/ca-signing.crt`)).toBe(old);
    expect((await node.host.stat(`${PKI}/ca-next.key` as never))?.mode).toBe(0o600);
    signSeparately(true);
    await make(createIssueStageStep(here), node);
    const [first] = (await textAt(node.host, `${PKI}/ca.crt`)).split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(await textAt(node.host, `${PKI}/ca-signing.crt`)).toBe(first);
    const key = new X509Certificate(first ?? '').publicKey;
    expect(await textAt(node.host, `${PKI}/ca.key`)).not.toBe(textIn(node.tree, `${PKI}/ca.key`));
    expect(key.asymmetricKeyType).toBe('ec');
    for (const step of await renewals(here, node)) await make(step, node);
    await make(createDropStageStep({ requires: [] }, here), node);
    const tidy = createTidyStep({ requires: ['drop/cluster-ca/restart'] }, here) as Step;
    // The signing file stays while a flag names it.
    expect(await tidy.check(signal)).toMatchObject({ status: 'blocked', waitsFor: ['drop/cluster-ca/restart'] });
    signSeparately(false);
    expect(await make(tidy, node)).toBe('made');
    const names = await node.host.list(PKI as never);
    expect(names?.filter((name) => /signing|next/.test(name))).toEqual([]);
  });

  it('gets a key of another algorithm on request', async () => {
    const { node, context } = await rotated({ algorithm: 'rsa' });
    await make(trust(context('front-proxy'), { keyAlgorithm: 'ecdsa-p384', caDays: 100 }), node);
    const { next } = await inspectRotation('front-proxy', node.input, node);
    expect(next?.certificate.x509.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'secp384r1' });
    expect(next?.certificate.notAfter).toEqual(new Date(NOW.getTime() + 100 * 24 * 60 * 60 * 1000));
  });

  it('repairs a kubeconfig that kubeadm has reduced to one certificate', async () => {
    const { node, context, signSeparately } = await rotated();
    const here = context('cluster');
    await make(trust(here), node);
    signSeparately(true);
    const path = '/etc/kubernetes/scheduler.conf';
    const collapsed = textIn(node.tree, path);
    await node.host.writeFile(path as never, Buffer.from(collapsed), { mode: 0o600 });
    const finding = await trust(here).check(signal);
    expect(finding).toMatchObject({ status: 'needed', evidence: [`restored in ${path}`] });
    expect(await make(trust(here), node)).toBe('made');
    expect(blocksIn(embedded(await textAt(node.host, path)))).toBe(2);
  });
});

describe('a rotation that is blocked', () => {
  it('does not let a CA sign that is not trusted yet, nor drop a CA that signs', async () => {
    const { node, context } = await rotated();
    const here = context('cluster');
    expect(await createIssueStageStep(here).check(signal)).toMatchObject({ waitsFor: ['trust/cluster-ca/files'] });
    await make(trust(here), node);
    const drop = createDropStageStep({ requires: [] }, here);
    expect(await drop.check(signal)).toMatchObject({ status: 'blocked', waitsFor: ['issue/cluster-ca/files'] });
  });

  it('starts no rotation when an interrupted run is resumed', async () => {
    const { node, context } = await rotated();
    expect(await make(trust(context('etcd'), { mayBegin: false }), node)).toBe('ok');
  });

  it.each<[string, PkiOptions, string]>([
    ['an expired CA', { algorithm: 'ecdsa', expired: ['ca'] }, 'PKI_CA_EXPIRED'],
    ['a CA without its key', { algorithm: 'ecdsa', missingCaKeys: ['ca'] }, 'PKI_CA_KEY_MISSING'],
  ])('refuses %s', async (_name, options, code) => {
    const { context } = await rotated(options);
    expect(await trust(context('cluster')).check(signal)).toMatchObject({ status: 'blocked', code });
  });

  it('starts only after the last rotation has completed', async () => {
    const { context, signSeparately } = await rotated();
    signSeparately(true);
    expect(await trust(context('cluster')).check(signal)).toMatchObject({
      status: 'blocked',
      code: 'PKI_ROTATION_STAGE',
    });
  });
});

describe('the probe certificate for a CA', () => {
  it('is a client certificate without permissions, valid for ten minutes, by OpenSSL too', async () => {
    const { node } = await rotated();
    const { current } = await inspectRotation('cluster', node.input, node);
    const probe = await issueProbeCertificate(current, NOW);
    using openssl = openOpenSsl();
    openssl.write('ca.crt', textIn(node.tree, `${PKI}/ca.crt`));
    openssl.write('probe.crt', probe.certificate);
    const time = `-attime ${NOW.getTime() / 1000}`;
    expect(openssl.run(`verify -x509_strict -purpose sslclient ${time} -CAfile ca.crt probe.crt`)).toContain('OK');
    const { subject, validToDate } = new X509Certificate(probe.certificate);
    expect(subject).toBe('CN=kube-rescue:trust-probe');
    expect(validToDate.getTime() - NOW.getTime()).toBe(10 * 60_000);
  });
});
