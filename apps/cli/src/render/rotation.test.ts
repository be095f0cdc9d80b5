import { describe, expect, it } from 'vitest';
import { renderNextStage, renderRotation } from './rotation.ts';

const terminal = { columns: 100, colour: false, live: false };
const report = {
  ca: 'cluster',
  stage: 'settled',
  next: null,
  file: '/etc/kubernetes/pki/ca.crt',
  certificates: [{ role: 'signs', serial: '01AB', notAfter: '2036-01-01T00:00:00.000Z' }],
} as const;

describe('the stage of a rotation', () => {
  it('is told with the certificates that it is read from, and what comes next', () => {
    const next = { role: 'trusted, to sign next', serial: '02CD', notAfter: '2037-01-01T00:00:00.000Z' } as const;
    const certificates = [...report.certificates, next];
    const text = renderRotation({ ...report, stage: 'trust', next: 'issue', certificates }, terminal);
    expect(text).toContain('/etc/kubernetes/pki/ca.crt: trust: a new CA is trusted beside the old one');
    expect(text).toContain('02CD');
    expect(text.split('\n').at(-1)).toBe('next: kube-rescue certs rotate-ca cluster --stage issue');
  });

  it('is followed by the next command, and by what others have to be given first', () => {
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
    expect(renderNextStage(report, terminal)).toEqual(['/etc/kubernetes/pki/ca.crt: the rotation is at its end']);
  });

  it('is nothing to go on with when there is none, and not over while the last has not come to its end', () => {
    expect(renderRotation(report, terminal)).toContain('no rotation is under way');
    expect(renderRotation(report, terminal)).not.toContain('next:');
    expect(renderRotation({ ...report, next: 'drop' }, terminal)).toContain('the old CA is not dropped everywhere yet');
  });
});
