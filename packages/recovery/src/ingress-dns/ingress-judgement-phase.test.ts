import { describe, expect, it } from 'vitest';
import { createIngressJudgementPhase } from './ingress-judgement-phase.ts';

const { signal } = new AbortController();
const phaseFor = (problem: string | undefined, isDue = true) =>
  createIngressJudgementPhase({
    isDue: async () => isDue,
    judge: async () => ({ problem, evidence: ['keys: unknown'] }),
  });

describe('the judgement of the ingress DNS at the end of a recovery', () => {
  it('changes nothing and warns of problems', async () => {
    const [step] = await phaseFor('the AWS keys are unknown').steps(signal);
    const finding = await step?.check(signal);
    expect(finding).toMatchObject({
      status: 'needed',
      summary: 'the AWS keys are unknown',
      evidence: ['keys: unknown'],
    });
    expect(finding === undefined ? undefined : step?.plan(finding)).toEqual([]);
    expect(await step?.verify(signal, () => undefined)).toEqual({
      verified: true,
      evidence: [],
      warnings: ['the AWS keys are unknown'],
    });
  });

  it('is ok where the names resolve to the ingress', async () => {
    const [step] = await phaseFor(undefined).steps(signal);
    expect(await step?.check(signal)).toMatchObject({ status: 'ok' });
    expect(await step?.verify(signal, () => undefined)).toEqual({ verified: true, evidence: [] });
  });

  it('has no step while the cluster is unreachable', async () => {
    expect(await phaseFor('unknown', false).steps(signal)).toEqual([]);
  });
});
