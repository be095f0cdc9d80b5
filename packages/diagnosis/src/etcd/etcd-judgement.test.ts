import { describe, expect, it } from 'vitest';
import { findEtcdProblems, withEtcd } from './etcd-judgement.ts';
import type { EtcdClusterRow, EtcdMemberRow, EtcdReport } from './etcd-status.ts';
import type { ComponentState } from '../component-state.ts';

const ETCDCTL = 'ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379';

function member(name: string, parts: Partial<EtcdMemberRow> = {}): EtcdMemberRow {
  return {
    ...{ id: `id-${name}`, name, endpoint: 'https://127.0.0.1:2379', answers: true, problem: null },
    ...{ isLeader: false, isLearner: false, isBehind: false, lag: 0, version: '3.4.23', raftTerm: 2 },
    ...{ raftIndex: 10, raftAppliedIndex: 10, revision: 5, dbSize: 1_000_000, dbSizeInUse: 900_000 },
    ...parts,
  };
}

function sight(parts: Partial<EtcdClusterRow> = {}): EtcdReport {
  const members = parts.members ?? [member('a', { isLeader: true })];
  return {
    connection: {
      endpoint: 'https://127.0.0.1:2379',
      hasQuorum: true,
      isServerExpired: false,
      etcdctl: ETCDCTL,
      notes: [],
    },
    attempts: [],
    problem: null,
    cluster: {
      ...{ healthy: true, hasQuorum: true, quorum: 1, consistency: 'linearizable', leader: 'id-a', raftTerm: 2 },
      ...{ dbSize: 1_000_000, alarms: [], ...parts, members },
    },
  };
}

const RUNNING: readonly ComponentState[] = [
  { name: 'kubelet', state: 'running', healthy: undefined, detail: 'process 1' },
  { name: 'etcd', state: 'running', healthy: true, detail: 'it answers 200' },
];

describe('what is wrong with etcd', () => {
  it('is nothing when all is well', () => {
    expect(findEtcdProblems(sight(), true)).toEqual([]);
    expect(findEtcdProblems(null, true)).toEqual([]);
  });

  it('is a full database, with the line that frees it', () => {
    const [cause] = findEtcdProblems(sight({ alarms: [{ member: 'id-a', kind: 'NOSPACE' }] }), true);
    expect(cause).toMatchObject({ code: 'ETCD_NO_SPACE', evidence: ['alarm NOSPACE of a'] });
    expect(cause?.hint).toContain(ETCDCTL);
  });

  it('is a member with other data', () => {
    const [cause] = findEtcdProblems(sight({ alarms: [{ member: 'id-a', kind: 'CORRUPT' }] }), true);
    expect(cause?.code).toBe('ETCD_CORRUPT');
  });

  it('is a lost quorum before everything else', () => {
    const members = [member('a'), member('b', { answers: false, problem: 'refused' }), member('c', { answers: false })];
    const alarms = [{ member: 'id-a', kind: 'NOSPACE' }];
    const causes = findEtcdProblems(sight({ hasQuorum: false, quorum: 2, members, alarms }), true);
    expect(causes.map(({ code }) => code)).toEqual(['ETCD_NO_QUORUM', 'ETCD_NO_SPACE']);
    expect(causes[0]?.summary).toContain('1 of 3 members answer, 2 are needed');
    expect(causes[0]?.evidence).toEqual(['b: refused', 'c: it does not answer']);
  });

  it('is a member that is down or behind, by name', () => {
    const members = [
      member('a'),
      member('b', { isBehind: true, lag: 5000 }),
      member('c', { answers: false, problem: 'refused' }),
    ];
    const [cause] = findEtcdProblems(sight({ members }), true);
    expect(cause).toMatchObject({ code: 'ETCD_MEMBER_DOWN', evidence: ['b: 5000 entries behind', 'c: refused'] });
  });

  it('is a closed door when it runs, and nothing of its own when it does not run', () => {
    const closed: EtcdReport = { connection: null, attempts: [], problem: 'the client was rejected', cluster: null };
    expect(findEtcdProblems(closed, true)).toMatchObject([
      { code: 'ETCD_NO_WORKING_CREDENTIALS', evidence: ['the client was rejected'] },
    ]);
    expect(findEtcdProblems(closed, false)).toEqual([]);
  });
});

describe('the row of etcd', () => {
  it('tells members, leader, database and alarms', () => {
    const [, row] = withEtcd(RUNNING, sight({ alarms: [{ member: 'id-a', kind: 'NOSPACE' }], healthy: false }));
    expect(row).toEqual({
      ...{ name: 'etcd', state: 'running', healthy: false },
      detail: '1 member, leader a, database 1.0 MB, alarms: NOSPACE of a',
    });
  });

  it('tells why it cannot be reached', () => {
    const closed: EtcdReport = { connection: null, attempts: [], problem: 'the client was rejected', cluster: null };
    const [, row] = withEtcd(RUNNING, closed);
    expect(row?.detail).toBe('it answers 200; cannot be reached: the client was rejected');
  });

  it('is there also where etcd runs elsewhere', () => {
    const [kubelet] = RUNNING;
    const rows = withEtcd(kubelet === undefined ? [] : [kubelet], sight());
    expect(rows.map(({ name, state }) => `${name} ${state}`)).toEqual(['kubelet running', 'etcd running']);
  });
});
