import { describe, expect, it } from 'vitest';
import { setContainerFlag } from './container-flag.ts';

const FLAG = ['cluster-signing-cert-file', '/etc/kubernetes/pki/ca.crt'] as const;

function manifest(word: string): string {
  return `# made by kubeadm\r\napiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-controller-manager\nspec:\n  containers:\n  - command:\n    - kube-controller-manager\n    - ${word}   # signs\n    - --root-ca-file=/etc/kubernetes/pki/ca.crt\n    name: kube-controller-manager\n`;
}

describe('the value of a flag in a manifest', () => {
  it.each([
    ['plain', '--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt', '--cluster-signing-cert-file=/pki/signing.crt'],
    [
      'in quotes',
      `'--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt'`,
      '"--cluster-signing-cert-file=/pki/signing.crt"',
    ],
  ])('is changed where it stands, every other byte kept (%s)', (_name, before, after) => {
    expect(setContainerFlag(manifest(before), FLAG, '/pki/signing.crt')).toBe(manifest(after));
  });

  it('can be changed and restored byte for byte', () => {
    const source = manifest('--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt');
    const there = setContainerFlag(source, FLAG, '/pki/signing.crt');
    expect(setContainerFlag(there, [FLAG[0], '/pki/signing.crt'], FLAG[1])).toBe(source);
  });

  it.each([
    ['is missing', '--v=2'],
    ['is part of a script', 'sh -c "exec kcm --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt"'],
    ['is an anchor of something else', '&flag --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt'],
  ])('is refused when it %s', (_name, word) => {
    expect(() => setContainerFlag(manifest(word), FLAG, '/pki/signing.crt')).toThrow(
      expect.objectContaining({ code: 'MANIFEST_UNEDITABLE' }) as Error,
    );
  });
});
