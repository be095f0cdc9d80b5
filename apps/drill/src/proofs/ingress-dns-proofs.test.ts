import { wrapError, wrapResult } from 'kube-rescue/command-line';
import { describe, expect, it } from 'vitest';
import { proveDiagnosis, proveLeftDns, proveReportedCause, proveReportedNames } from './ingress-dns-proofs.ts';
import type { RescueAnswer } from '../rescue-command.ts';

const CAUSE = { id: 'identity', subject: 'Secret kube-ingress/aws-credentials', code: 'DNS_KEY_UNKNOWN' };
const WARNING = 'ingress DNS: Secret kube-ingress/aws-credentials: AWS does not know this access key';

function answering(exitCode: number, result: object, warnings: readonly string[] = []): RescueAnswer {
  return { exitCode, envelope: wrapResult(result, warnings), lastWords: '', output: '' };
}

const FAILED: RescueAnswer = {
  exitCode: 4,
  envelope: wrapError(new Error('no'), []),
  lastWords: 'code: BUG',
  output: '',
};

describe('a diagnosis', () => {
  it('names the keys that AWS does not know, and nothing else', () => {
    const name = 'the keys';
    expect(proveDiagnosis(name, answering(3, { causes: [CAUSE] }))).toEqual({
      name,
      ok: true,
      detail: 'exit 3: identity of Secret kube-ingress/aws-credentials (DNS_KEY_UNKNOWN)',
    });
    const others = [
      answering(0, { causes: [CAUSE] }),
      answering(3, { causes: [] }),
      answering(3, { causes: [CAUSE, CAUSE] }),
      answering(3, { causes: [{ ...CAUSE, code: 'DNS_ZONE_MISSING' }] }),
      FAILED,
    ];
    expect(others.map((answer) => proveDiagnosis(name, answer).ok)).toEqual(others.map(() => false));
  });
});

describe('a recovery without new keys', () => {
  it('is through, and has one thing to say', () => {
    const result = { outcome: 'done', ingressDns: { causes: [CAUSE] } };
    expect(proveLeftDns('left', answering(3, result, [WARNING])).ok).toBe(true);
    expect(proveLeftDns('left', answering(0, result, [WARNING])).ok).toBe(false);
    expect(proveLeftDns('left', answering(3, result, [])).ok).toBe(false);
    expect(proveLeftDns('left', answering(3, { outcome: 'done' }, [WARNING])).ok).toBe(false);
    const more = proveLeftDns('left', answering(3, result, [WARNING, 'node02 was left as it was']));
    expect(more).toMatchObject({ ok: false, detail: expect.stringContaining('node02 was left as it was') });
  });
});

describe('a report', () => {
  it('has what brought the names back', () => {
    const steps = [{ step: 'dns/names', result: 'verified' }];
    expect(proveReportedNames('names', answering(0, { report: { steps } })).ok).toBe(true);
    const unseen = [{ step: 'dns/names', result: 'made' }];
    expect(proveReportedNames('names', answering(0, { report: { steps: unseen } })).ok).toBe(false);
    expect(proveReportedNames('names', FAILED)).toMatchObject({ ok: false, detail: 'exit 4: no step of dns' });
  });

  it('names what is left to be done about them, once', () => {
    expect(proveReportedCause('cause', answering(0, { report: { remaining: ['other', WARNING] } })).ok).toBe(true);
    expect(proveReportedCause('cause', answering(0, { report: { remaining: ['other'] } })).ok).toBe(false);
    expect(proveReportedCause('cause', answering(0, { report: { remaining: [WARNING, WARNING] } })).ok).toBe(false);
  });
});
