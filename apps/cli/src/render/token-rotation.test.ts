import { describe, expect, it } from 'vitest';
import { renderNextTokenStage, renderTokenRotation } from './token-rotation.ts';

const terminal = { columns: 80, colour: false, live: false };
const report = {
  stage: 'settled',
  next: null,
  file: '/etc/kubernetes/pki/sa.pub',
  keys: [{ role: 'signs', keyId: 'Aa-1' }],
} as const;

describe('the stage of the rotation of the key of service account tokens', () => {
  it('is shown with the keys and the next command', () => {
    const keys = [...report.keys, { role: 'verifies, to sign next', keyId: 'Bb_2' } as const];
    const text = renderTokenRotation({ ...report, stage: 'publish', next: 'sign', keys }, terminal);
    expect(text).toContain('/etc/kubernetes/pki/sa.pub: publish: tokens of the old and of the new key are accepted');
    expect(text).toMatch(/verifies, to sign next +Bb_2/);
    expect(text.split('\n').at(-1)).toBe('next: kube-rescue certs rotate-sa --stage sign');
    expect(renderTokenRotation(report, terminal)).not.toContain('next:');
  });

  it('is followed by the next command, and by what has to happen first', () => {
    const lines = renderNextTokenStage({ ...report, next: 'drop' }, terminal)
      .join('\n')
      .split('\n');
    expect(lines[0]).toBe('next: kube-rescue certs rotate-sa --stage drop');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    expect(renderNextTokenStage(report, terminal)).toEqual(['/etc/kubernetes/pki/sa.pub: the rotation is complete']);
  });
});
