import { describe, expect, it } from 'vitest';
import { attributeFailures, judgeLoad, type StageUnderLoad } from './rotation-drill.ts';

const REQUESTS = { administrator: 900, 'unchanged client': 900, pod: 300, workload: 900 };
const REFUSAL = { client: 'unchanged client', at: '2026-01-01T00:00:09.000Z', reason: 'curl: (22) error: 401' };

function stage(name: string, over: Partial<StageUnderLoad> = {}): StageUnderLoad {
  return { stage: name, seconds: 60, restartedApiServer: false, failures: [], ...over };
}

function verdicts(stages: readonly StageUnderLoad[], requests: Record<string, number> = REQUESTS): readonly boolean[] {
  return judgeLoad(requests, stages).map(({ ok }) => ok);
}

const failure = (client: string) => ({ client, at: '2026-01-01T00:00:01.000Z', reason: 'connection refused' });
const dropped = stage('cluster drop', { failures: [REFUSAL] });

describe('the load on a cluster whose CA is rotated', () => {
  it('may fail in nothing while the API server goes on', () => {
    expect(verdicts([stage('cluster trust'), stage('cluster issue'), dropped])).toEqual([true, true, true]);
    for (const client of ['administrator', 'pod', 'unchanged client', 'workload']) {
      expect(verdicts([stage('cluster issue', { failures: [failure(client)] }), dropped])).toEqual([true, false, true]);
    }
  });

  it('may fail towards the API while that restarts, and never towards a workload', () => {
    const restarted = (client: string) =>
      stage('etcd trust', { restartedApiServer: true, failures: [failure(client)] });
    expect(verdicts([dropped, restarted('administrator'), restarted('pod')])).toEqual([true, true, true]);
    expect(verdicts([dropped, restarted('workload')])).toEqual([true, false, true]);
  });

  it('must have asked, and been refused with credentials of the CA that was dropped', () => {
    expect(verdicts([dropped], { ...REQUESTS, pod: 0 })).toEqual([false, true, true]);
    expect(verdicts([stage('cluster drop')])).toEqual([true, true, false]);
  });
});

describe('a request that failed', () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, 0, seconds * 1000));
  const timed = (name: string, from: number, restartedApiServer: boolean) => ({
    stage: name,
    from: at(from),
    to: at(from + 9),
    restartedApiServer,
  });
  const stages = [timed('issue', 10, false), timed('drop', 20, true), timed('next', 30, false)];
  const owners = (from: number, until: number): readonly string[] =>
    attributeFailures([{ client: 'pod', at: at(from), until: at(until), reason: 'refused' }], stages)
      .filter(({ failures }) => failures.length > 0)
      .map(({ stage: name }) => name);

  it.each([
    ['in the midst of a stage', 12, 13, 'issue'],
    ['between two stages', 19.2, 19.4, 'issue'],
    ['asked just before the API server was restarted', 19.9, 20.5, 'drop'],
    ['that waited for an API server that was restarted until the next stage', 28, 31, 'drop'],
    ['in the last stage', 40, 41, 'next'],
    ['before the first stage', 8, 9, 'issue'],
  ])('%s counts once, where it belongs', (_name, from, until, owner) => {
    expect(owners(from, until)).toEqual([owner]);
  });
});
