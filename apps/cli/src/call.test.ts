import { describe, expect, it } from 'vitest';
import { commandLine, readCall, withCommandLines } from './call.ts';

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  plan: ['root', 'kubernetes-dir', 'manifests-dir'],
  recover: ['root', 'kubernetes-dir'],
  'certs renew': ['root', 'kubernetes-dir'],
  runbook: [],
};

function callOf(argv: readonly string[], program = 'kube-rescue') {
  return readCall(argv, { program, flagsOf: (words) => FLAGS[words] });
}

describe('a command line to paste', () => {
  it('has the flags of this call that select the node, quoted for a shell', () => {
    const other = callOf(['--manifests-dir', '/srv/manifests']);
    expect(commandLine('plan', other)).toBe('kube-rescue plan --manifests-dir /srv/manifests');
    const call = callOf(['--json', '--root', '/mnt/my node', '--kubernetes-dir=/opt/kubernetes', '--', '--root', 'no']);
    expect(commandLine('plan', call)).toBe(`kube-rescue plan --root '/mnt/my node' --kubernetes-dir /opt/kubernetes`);
    expect(commandLine('certs renew NAME --yes', call)).toBe(
      `kube-rescue certs renew --root '/mnt/my node' --kubernetes-dir /opt/kubernetes NAME --yes`,
    );
  });

  it('begins with the program as it was called', () => {
    expect(commandLine('recover', callOf([], 'kubectl rescue'))).toBe('kubectl rescue recover');
  });

  it('gives a command no flag that it does not have, and none twice', () => {
    const call = callOf(['--root', '/mnt/a']);
    expect(commandLine('runbook', call)).toBe('kube-rescue runbook');
    expect(commandLine('recover --resume --root /mnt/a', call)).toBe('kube-rescue recover --resume --root /mnt/a');
  });

  it('is made of each command in the hint of a package, and of nothing else in it', () => {
    const call = callOf(['--root', '/r'], 'kubectl rescue');
    const hint = 'read the plan with `kube-rescue plan`, then kube-rescue recover; kube-rescue does not sign it';
    expect(withCommandLines(hint, call)).toBe(
      'read the plan with `kubectl rescue plan --root /r`, then kubectl rescue recover --root /r; kube-rescue does not sign it',
    );
    expect(withCommandLines(hint, undefined)).toBe(hint);
  });
});
