import { tokenKeyId } from '@kube-rescue/cert-rotation/token-keys';
import { type HostPath, hostPath } from '@kube-rescue/host';
import type { TreeEntry } from '@kube-rescue/testing';
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nodeOf, pki } from '../gates/gate-node.fixture.ts';
import { readPodToken, readTokenIssuer } from './token-issuer.ts';

const MANIFEST = hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml');
const file = (text: string): TreeEntry => ({ kind: 'file', bytes: Buffer.from(text), mode: 0o600 });

const textIn = (path: HostPath): string => {
  const entry = pki.tree.get(path);
  return entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
};

describe('the issuer of a node', () => {
  it('is the first of the API server, with the key that signs', async () => {
    const key = createPrivateKey(textIn(hostPath('/etc/kubernetes/pki/sa.key')));
    const flag = /- --service-account-issuer=.*/;
    const manifest = textIn(MANIFEST).replace(
      flag,
      (old) => `- --service-account-issuer=https://oidc.example.test\n    ${old}`,
    );
    const node = nodeOf(undefined, false, new Map([...pki.tree, [MANIFEST, file(manifest)]]));
    expect(await readTokenIssuer(node)).toEqual({
      issuer: 'https://oidc.example.test',
      signingKeyId: tokenKeyId(key),
    });
  });

  it('is not known away from a node', async () => {
    expect(await readTokenIssuer(nodeOf(undefined, false, new Map()))).toEqual({});
  });
});

describe('the token of a pod', () => {
  const kubeletPath = 'pods/u1/volumes/kubernetes.io~projected/aws-iam-token/token';
  const found = { pod: 'dns/external-dns-1', node: 'node01', kubeletPath };

  it('is read where the kubelet keeps it, from the first pod of this node', async () => {
    const tree = new Map([...pki.tree, [hostPath(`/var/lib/kubelet/${kubeletPath}`), file('token')]]);
    const elsewhere = { ...found, kubeletPath: kubeletPath.replace('u1', 'u2') };
    expect(await readPodToken([elsewhere, found], nodeOf(undefined, false, tree))).toBe('token');
    expect(await readPodToken([elsewhere], nodeOf(undefined, false, tree))).toBeUndefined();
  });

  it('is read from no other file, whatever a pod names', async () => {
    const escaping = { ...found, kubeletPath: 'pods/u1/volumes/../../../../../../etc/kubernetes/admin.conf' };
    expect(await readPodToken([escaping], nodeOf(undefined, false, pki.tree))).toBeUndefined();
  });
});
