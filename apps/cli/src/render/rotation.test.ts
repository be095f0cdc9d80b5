import { describe, expect, it } from 'vitest';
import { renderNextStage, renderRotation } from './rotation.ts';

const terminal = { columns: 100, colour: false, live: false };
const report = {
  ca: 'cluster',
  stage: 'settled',
  next: null,
  file: '/etc/kubernetes/pki/ca.crt',
  certificates: [{ role: 'signs', serial: '01AB', notAfter: '2036-01-01T00:00:00Z' }],
} as const;

describe('the stage of a CA rotation', () => {
  it('is shown with the CA certificates and the next command', () => {
    const next = { role: 'trusted, to sign next', serial: '02CD', notAfter: '2037-01-01T00:00:00Z' } as const;
    const certificates = [...report.certificates, next];
    const text = renderRotation({ ...report, stage: 'trust', next: 'issue', certificates }, terminal);
    expect(text).toContain('/etc/kubernetes/pki/ca.crt: trust: old and new CA are trusted');
    expect(text).toContain('02CD');
    expect(text).toContain('2037-01-01 00:00:00 UTC');
    expect(text.split('\n').at(-1)).toBe('next: kube-rescue certs rotate-ca cluster --stage issue');
  });

  it('is followed by the next command, and by what users and other nodes need first', () => {
    const [command, ...first] = renderNextStage({ ...report, next: 'issue' }, { ...terminal, columns: 80 });
    expect(command).toBe('next: kube-rescue certs rotate-ca cluster --stage issue');
    expect(first.join('\n')).toContain('/etc/kubernetes/pki/ca.crt');
    expect(
      first
        .join('\n')
        .split('\n')
        .every((line) => line.length <= 80),
    ).toBe(true);
    expect(renderNextStage({ ...report, ca: 'etcd', next: 'drop' }, terminal)).toEqual([
      'next: kube-rescue certs rotate-ca etcd --stage drop',
    ]);
    expect(renderNextStage(report, terminal)).toEqual(['/etc/kubernetes/pki/ca.crt: the rotation is complete']);
  });

  it('is not under way when the CA is settled, and not over before the drop stage completes', () => {
    expect(renderRotation(report, terminal)).toContain('no rotation is under way');
    expect(renderRotation(report, terminal)).not.toContain('next:');
    expect(renderRotation({ ...report, next: 'drop' }, terminal)).toContain('the old CA is not yet removed everywhere');
  });
});
