import { describe, expect, it } from 'vitest';
import { findEtcdNotices, findEtcdProblems, withEtcd } from './etcd-judgement.ts';
import type { EtcdClusterRow, EtcdMemberRow, EtcdReport } from './etcd-status.ts';
import type { ComponentState } from '../component-state.ts';
import type { PeerMember } from '@kube-rescue/node';

const ETCDCTL = 'ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379';

function member(name: string, parts: Partial<EtcdMemberRow> = {}): EtcdMemberRow {
  return {
    ...{ id: `id-${name}`, name, endpoint: 'https://127.0.0.1:2379', answers: true, problem: null },
    ...{
      isLeader: false,
      isLearner: false,
      isBehind: false,
      isUnstarted: false,
      clientUrls: [],
      peerUrls: [],
      lag: 0,
      version: '3.4.23',
      raftTerm: 2,
    },
    ...{ raftIndex: 10, raftAppliedIndex: 10, revision: 5, dbSize: 1_000_000, dbSizeInUse: 900_000 },
    ...parts,
  };
}

function report(parts: Partial<EtcdClusterRow> = {}): EtcdReport {
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
    peers:
      members.filter(({ isLearner }) => !isLearner).length > 1
        ? { url: 'https://127.0.0.1:2379', members: members.map(peerOf) }
        : null,
    waiting: null,
    cluster: {
      ...{ healthy: true, hasQuorum: true, quorum: 1, consistency: 'linearizable', leader: 'id-a', raftTerm: 2 },
      ...{ dbSize: 1_000_000, alarms: [], ...parts, members },
    },
  };
}

/** What a member shows on its peer port. */
function peerOf({ id, name, peerUrls, isLearner, answers }: EtcdMemberRow, index: number): PeerMember {
  const lacks = answers ? [] : [`does not answer on ${peerUrls.join()}`];
  return {
    id,
    name,
    peerUrls,
    clientUrls: [],
    isLearner,
    isThisNode: index === 0,
    accepts: answers,
    validTo: null,
    lacks,
  };
}

const RUNNING: readonly ComponentState[] = [
  { name: 'kubelet', state: 'running', healthy: undefined, detail: 'process 1' },
  { name: 'etcd', state: 'running', healthy: true, detail: 'it answers 200' },
];

describe('the causes of an etcd outage', () => {
  it('are not reported for a healthy etcd', () => {
    expect(findEtcdProblems(report(), true)).toEqual([]);
    expect(findEtcdProblems(null, true)).toEqual([]);
  });

  it('name a full database, with the etcdctl line that frees it', () => {
    const [cause] = findEtcdProblems(report({ alarms: [{ member: 'id-a', kind: 'NOSPACE' }] }), true);
    expect(cause).toMatchObject({ code: 'ETCD_NO_SPACE', evidence: ['alarm NOSPACE of a'] });
    expect(cause?.hint).toContain(ETCDCTL);
  });

  it('name a corrupt member', () => {
    const [cause] = findEtcdProblems(report({ alarms: [{ member: 'id-a', kind: 'CORRUPT' }] }), true);
    expect(cause?.code).toBe('ETCD_CORRUPT');
  });

  it('name a lost quorum first', () => {
    const members = [member('a'), member('b', { answers: false, problem: 'refused' }), member('c', { answers: false })];
    const alarms = [{ member: 'id-a', kind: 'NOSPACE' }];
    const causes = findEtcdProblems(report({ hasQuorum: false, quorum: 2, members, alarms }), true);
    expect(causes.map(({ code }) => code)).toEqual(['ETCD_NO_QUORUM', 'ETCD_NO_SPACE']);
    expect(causes[0]?.summary).toContain('1 of 3 members answer, 2 are needed');
    expect(causes[0]?.evidence).toEqual(['b: refused', 'c: no answer']);
    expect(causes[0]?.hint).toContain('`etcdctl snapshot restore`');
  });

  it.each([
    ['3.6.5', '`etcdutl snapshot restore`'],
    [null, '`etcdutl snapshot restore` (before etcd 3.5:'],
  ])('name the command that restores a snapshot of etcd %s', (version, command) => {
    const members = [member('a', { version }), member('b', { answers: false, version: null })];
    const [cause] = findEtcdProblems(report({ hasQuorum: false, quorum: 2, members }), true);
    expect(cause?.hint).toContain(command);
    if (version !== null) expect(cause?.hint).not.toContain('etcdctl');
  });

  it('name members that are down or behind', () => {
    const members = [
      member('a'),
      member('b', { isBehind: true, lag: 5000 }),
      member('c', { answers: false, problem: 'refused' }),
    ];
    const [cause] = findEtcdProblems(report({ members }), true);
    expect(cause).toMatchObject({ code: 'ETCD_MEMBER_DOWN', evidence: ['b: 5000 entries behind', 'c: refused'] });
  });

  it('name missing credentials only for a running etcd', () => {
    const closed: EtcdReport = {
      connection: null,
      attempts: [],
      problem: 'the client was rejected',
      cluster: null,
      peers: null,
      waiting: null,
    };
    expect(findEtcdProblems(closed, true)).toMatchObject([
      { code: 'ETCD_NO_WORKING_CREDENTIALS', evidence: ['the client was rejected'] },
    ]);
    expect(findEtcdProblems(closed, false)).toEqual([]);
  });
});

describe('the row of etcd', () => {
  it('shows members, leader, database size and alarms', () => {
    const [, row] = withEtcd(RUNNING, report({ alarms: [{ member: 'id-a', kind: 'NOSPACE' }], healthy: false }));
    expect(row).toEqual({
      ...{ name: 'etcd', state: 'running', healthy: false },
      detail: '1 member, leader a, database 1.0 MB, alarms: NOSPACE of a',
    });
  });

  it('shows why etcd cannot be reached', () => {
    const closed: EtcdReport = {
      connection: null,
      attempts: [],
      problem: 'the client was rejected',
      cluster: null,
      peers: null,
      waiting: null,
    };
    const [, row] = withEtcd(RUNNING, closed);
    expect(row?.detail).toBe('it answers 200; cannot be reached: the client was rejected');
  });

  it('exists also where etcd runs on another machine', () => {
    const [kubelet] = RUNNING;
    const rows = withEtcd(kubelet === undefined ? [] : [kubelet], report());
    expect(rows.map(({ name, state }) => `${name} ${state}`)).toEqual(['kubelet running', 'etcd running']);
  });
});

describe('a member that was added but never started', () => {
  const added = (isLearner: boolean): EtcdReport =>
    report({
      members: [
        member('a', { isLeader: true }),
        member('', {
          ...{ id: '3912d5b2169ae901', answers: false, isUnstarted: true, isLearner },
          peerUrls: ['https://192.0.2.11:2380'],
        }),
      ],
    });

  it('is a notice with the command that removes it, as a learner', () => {
    expect(findEtcdProblems(added(true), true)).toEqual([]);
    const [notice] = findEtcdNotices(added(true));
    expect(notice?.summary).toContain('a learner that never started');
    expect(notice?.evidence[0]).toContain('https://192.0.2.11:2380');
    expect(notice?.hint).toContain(`${ETCDCTL} member remove 3912d5b2169ae901`);
  });

  it('is a problem as a voter', () => {
    expect(findEtcdNotices(added(false)).map(({ code }) => code)).toEqual(['ETCD_SEVERAL_MEMBERS']);
    expect(findEtcdProblems(added(false), true).map(({ code }) => code)).toEqual(['ETCD_MEMBER_UNSTARTED']);
  });
});

it('several members are a notice with the majority, a single one is not', () => {
  const several = report({ quorum: 2, members: ['a', 'b', 'c'].map((name) => member(name)) });
  const [notice] = findEtcdNotices(several);
  expect(notice?.code).toBe('ETCD_SEVERAL_MEMBERS');
  expect(notice?.summary).toContain('needs 2 of its 3 members');
  expect(notice?.evidence).toHaveLength(3);
  expect(notice?.evidence[0]).toMatch(/^a \(this node\): /);
  expect(findEtcdNotices(report())).toEqual([]);
});
