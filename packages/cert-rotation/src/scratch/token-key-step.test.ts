import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type StepCase, stepLaws } from '@kube-rescue/testing';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { directJournal, kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { createTokenKeySteps } from './token-key-step.ts';

const { signal } = new AbortController();
const PUBLIC = '/etc/kubernetes/pki/sa.pub';
const PRIVATE = '/etc/kubernetes/pki/sa.key';

const ENCRYPTED = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n';

/** A node whose files of this name were lost so; `undefined`: there is no file. */
async function nodeWith(lost: Readonly<Record<string, string | undefined>>, changes = {}): Promise<Node> {
  return kubeadmNode(
    {},
    (files) => {
      for (const [path, text] of Object.entries(lost)) {
        if (text === undefined) files.delete(hostPath(path));
        else putFile(files, path, text);
      }
    },
    changes,
  );
}

function stepsOf({ host, input }: { readonly host: Host; readonly input: Node['input'] }) {
  return createTokenKeySteps(input.components, { host });
}

describe('the public key of service account tokens', () => {
  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['torn', '-----BEGIN PUBLIC KEY-----\nMIIB'],
  ])('is made from its private key when it is %s, as openssl makes it', async (_title, text) => {
    const node = await nodeWith({ [PUBLIC]: text });
    const [step] = stepsOf(node);
    if (step === undefined) throw new Error('no step');
    const finding = await step.check(signal);
    expect(finding).toMatchObject({ status: 'needed', changes: [{ target: PUBLIC, mode: 0o600 }] });
    await step.apply(step.plan(finding), directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    const expected = execFileSync('openssl', ['pkey', '-pubout'], { input: textIn(node.tree, PRIVATE), stdio: 'pipe' });
    expect(await textAt(node.host, PUBLIC)).toBe(expected.toString());
    expect(await step.check(signal)).toMatchObject({ status: 'ok' });
  });

  it.each([
    ['that can be read', {}],
    ['that a person wrote', { [PUBLIC]: 'words\n' }],
  ])('%s stays as it is', async (_title, files) => {
    const [step] = stepsOf(await nodeWith(files));
    expect(await step?.check(signal)).toMatchObject({ status: 'ok', changes: [] });
  });

  it.each([
    ['both are empty', { [PUBLIC]: '', [PRIVATE]: '' }, 'PKI_KEY_INVALID'],
    ['the private key alone is missing', { [PRIVATE]: undefined }, 'PKI_KEY_MISSING'],
    [
      'the public key is lost, and the private one encrypted',
      { [PUBLIC]: '', [PRIVATE]: ENCRYPTED },
      'PKI_KEY_ENCRYPTED',
    ],
  ])('is not made when %s: a private key is never made', async (_title, files, code) => {
    const [step] = stepsOf(await nodeWith(files));
    const finding = await step?.check(signal);
    expect(finding).toMatchObject({ status: 'blocked', subject: PRIVATE, code, changes: [] });
    expect(finding?.hint).toContain('kubeadm init phase certs sa');
  });

  it('is left alone where several keys verify', async () => {
    const flags = { 'kube-apiserver': { 'service-account-key-file': `${PUBLIC},/etc/kubernetes/pki/old.pub` } };
    expect(stepsOf(await nodeWith({ [PUBLIC]: '' }, flags))).toEqual([]);
  });
});

async function stepCase(): Promise<StepCase> {
  const { tree, input } = await nodeWith({ [PUBLIC]: '' });
  return {
    makeHost: async () => createFakeHost({ tree }),
    makePlaybook: (host: Host) => ({
      id: 'token-key',
      title: 'make the public key',
      phases: [{ id: 'make', title: 'make', steps: async () => stepsOf({ host, input }) }],
    }),
    clock: createFixedClock(NOW),
    directories: [hostPath('/etc/kubernetes')],
  };
}

stepLaws('the public key of service account tokens', stepCase);
