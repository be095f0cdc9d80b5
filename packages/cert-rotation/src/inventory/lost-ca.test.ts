import { hostPath } from '@kube-rescue/host';
import { buildPki } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { kubeadmNode, NOW, putFile, textIn } from '../kubeadm-node.fixture.ts';
import { judgeCa } from '../judgement/ca-judgement.ts';
import { inspectCertificates } from './inventory.ts';

type Edit = Parameters<typeof kubeadmNode>[1];
const PKI = '/etc/kubernetes/pki';

async function caOf(id: string, edit: Edit) {
  const node = await kubeadmNode({ algorithm: 'ecdsa' }, edit);
  const { cas } = await inspectCertificates(node.input, { host: node.host });
  const ca = cas.find((each) => each.id === id);
  if (ca === undefined) throw new Error(`no CA ${id}`);
  return { ca, node };
}

async function problemOf(id: string, edit: Edit) {
  const { ca } = await caOf(id, edit);
  const [problem] = judgeCa(ca, NOW);
  return problem;
}

const empty =
  (path: string): Edit =>
  (files) =>
    putFile(files, path, '', 0o644);

describe('a CA whose certificate was lost with its file', () => {
  it.each<[string, Edit, string]>([
    ['missing', (files) => files.delete(hostPath(`${PKI}/ca.crt`)) as never, 'the file is missing'],
    ['empty', empty(`${PKI}/ca.crt`), 'the file is empty'],
    [
      'torn',
      (files) => putFile(files, `${PKI}/ca.crt`, textIn(files, `${PKI}/ca.crt`).slice(0, 200)),
      'the file is torn: its end is missing',
    ],
  ])('is said to be %s, with the kubeconfig that has a copy for its key', async (_how, edit, message) => {
    const problem = await problemOf('cluster', edit);
    expect(problem).toMatchObject({ message, subject: `${PKI}/ca.crt`, severity: 'problem' });
    expect(problem?.hint).toMatch(/recover` writes it again from \/etc\/kubernetes\/\S+\.conf.*would make another CA/);
    expect(problem?.hint).not.toMatch(/remove it/);
  });

  it('has the block of the copy, byte for byte', async () => {
    const { ca, node } = await caOf('cluster', empty(`${PKI}/ca.crt`));
    expect(ca.lost?.copies[0]?.text).toBe(node.pki.pairs.ca.certificate.trim());
    expect(ca.lost?.key?.keyPath).toBe(`${PKI}/ca.key`);
  });

  it.each([
    ['etcd', `${PKI}/etcd/ca`],
    ['front-proxy', `${PKI}/front-proxy-ca`],
  ])('is to be copied from another node where no file of this one has it (%s)', async (id, base) => {
    const problem = await problemOf(id, empty(`${base}.crt`));
    expect(problem?.hint).toContain(`the one for the key ${base}.key`);
    expect(problem?.hint).toMatch(/from a control-plane node where the file is whole/);
  });

  it('has no copy in a certificate for another key', async () => {
    const foreign = await buildPki({ now: NOW, algorithm: 'ecdsa' });
    const { ca } = await caOf('cluster', (files) => {
      putFile(files, `${PKI}/ca.crt`, '');
      putFile(files, `${PKI}/ca.key`, foreign.pairs.ca.key);
    });
    expect(ca.lost).toMatchObject({ loss: 'empty', copies: [] });
  });

  it('has no known copy without its key', async () => {
    const { ca } = await caOf('cluster', (files) => {
      putFile(files, `${PKI}/ca.crt`, '');
      files.delete(hostPath(`${PKI}/ca.key`));
    });
    expect(ca.lost).toMatchObject({ key: undefined, copies: [] });
  });

  it('is not lost where a file holds a whole certificate and a torn one', async () => {
    const { ca } = await caOf('cluster', (files) => {
      const whole = textIn(files, `${PKI}/ca.crt`);
      putFile(files, `${PKI}/ca.crt`, `${whole}${whole.slice(0, 200)}`);
    });
    expect(ca).toMatchObject({ lost: undefined, bundle: { ok: false } });
    const [problem] = judgeCa(ca, NOW);
    expect(problem?.hint).not.toMatch(/remove it/);
  });
});
