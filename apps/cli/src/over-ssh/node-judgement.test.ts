import type { MemberListing } from '@kube-rescue/diagnosis';
import { describe, expect, it } from 'vitest';
import type { NodeFacts } from './node-facts.ts';
import { judgeFacts, judgeMembers, orderOf, remarksOn } from './node-judgement.ts';

const facts = (name: string, parts: Partial<NodeFacts> = {}): NodeFacts => ({
  ...{ name, hostname: name, machine: 'x86_64', clockOffsetMs: 0, clockErrorMs: 500, kubernetes: 'v1.37.2' },
  cas: { 'ca.crt': 'A', 'etcd/ca.crt': 'B' },
  ...parts,
});

describe('nodes cannot be recovered together', () => {
  it('when two names lead to one machine', () => {
    expect(judgeFacts([facts('cp1'), facts('cp2', { hostname: 'cp1' })], undefined)).toEqual([
      'cp1 and cp2 are one machine, cp1',
    ]);
  });

  it('when a node has another processor than the program', () => {
    expect(judgeFacts([facts('cp1'), facts('cp2', { machine: 'aarch64' })], 'x86_64')).toEqual([
      'cp2 has a processor aarch64, and the program is for x86_64',
    ]);
  });

  it('when their clocks differ by more than five minutes, beyond what the measurement may be wrong', () => {
    const apart = (clockOffsetMs: number) => [facts('cp1'), facts('cp2', { clockOffsetMs })];
    expect(judgeFacts(apart(-300_900), undefined)).toEqual([]);
    expect(judgeFacts(apart(-301_100), undefined)[0]).toContain('the clock of cp2 is 301 s behind that of cp1');
    expect(judgeFacts(apart(301_100), undefined)[0]).toContain('the clock of cp1 is 301 s behind that of cp2');
  });

  it('when a CA differs, but not when a node has none', () => {
    expect(judgeFacts([facts('cp1'), facts('cp2', { cas: { 'ca.crt': 'A' } })], undefined)).toEqual([]);
    expect(judgeFacts([facts('cp1'), facts('cp2', { cas: { 'etcd/ca.crt': 'C' } })], undefined)).toEqual([
      'the etcd CA of cp1 differs from that of cp2',
    ]);
  });

  it('but not when a node has a CA already that every node gets', () => {
    const done = facts('cp2', { cas: { 'ca.crt': 'new', 'etcd/ca.crt': 'B' } });
    expect(judgeFacts([facts('cp1'), done], undefined, { 'ca.crt': 'new' })).toEqual([]);
    expect(judgeFacts([facts('cp1'), done], undefined, { 'etcd/ca.crt': 'new' })).toHaveLength(1);
  });
});

it('another version and a clock that only this machine contradicts are remarks', () => {
  const all = [facts('cp1', { clockOffsetMs: 400_000 }), facts('cp2', { clockOffsetMs: 400_000, kubernetes: null })];
  expect(judgeFacts(all, undefined)).toEqual([]);
  expect(remarksOn(all)).toEqual([expect.stringContaining('the clock of cp1 is 400 s ahead of that of this machine')]);
  expect(remarksOn([facts('cp1'), facts('cp2', { kubernetes: 'v1.36.1' })])).toEqual([
    'the API servers have different versions: cp1 v1.37.2, cp2 v1.36.1',
  ]);
});

type Listing = Pick<MemberListing, 'members' | 'hasQuorum'>;

function listing(
  own: string,
  others: readonly string[],
  parts: { readonly leads?: boolean; readonly quorum?: boolean } = {},
): Listing {
  const members = [own, ...others].map((name, index) => ({
    ...{ name, id: name, isThisNode: index === 0, isLeader: index === 0 && parts.leads === true, isLearner: false },
  }));
  return { hasQuorum: parts.quorum ?? false, members: members as unknown as MemberListing['members'] };
}

describe('the members of etcd', () => {
  const three = [
    { name: 'cp1', listing: listing('m1', ['m2', 'm3']) },
    { name: 'cp2', listing: listing('m2', []) },
    { name: 'cp3', listing: listing('m3', ['m1']) },
  ];

  it('agree with the nodes whose member has another name, and where one node lists itself alone', () => {
    expect(judgeMembers(three, [])).toEqual([]);
  });

  it('are named when a node has none, or when their node is not named', () => {
    expect(judgeMembers([...three.slice(0, 2), { name: 'cp4', listing: undefined }], [])).toEqual([
      'cp4 is no member of etcd',
      'the member m3 of etcd is not among the nodes',
    ]);
  });

  it('may be left out as long as a majority remains', () => {
    expect(judgeMembers(three.slice(0, 2), ['m3'])).toEqual([]);
    expect(judgeMembers(three.slice(0, 1), ['m2', 'm3'])).toEqual([
      'without m2, m3 etcd has 1 of 3 members, and needs 2',
    ]);
    expect(judgeMembers(three, ['m9'])).toEqual(['m9 of --without is no member of etcd']);
  });
});

it('nodes are recovered side by side without a majority, else one by one with the leader last', () => {
  const of = (leads: boolean, quorum: boolean) => [
    { name: 'cp1', listing: listing('cp1', ['cp2'], { leads, quorum }) },
    { name: 'cp2', listing: listing('cp2', ['cp1']) },
  ];
  expect(orderOf(of(false, false))).toEqual({ order: 'side-by-side', names: ['cp1', 'cp2'], leader: undefined });
  expect(orderOf(of(true, true))).toEqual({ order: 'one-by-one', names: ['cp2', 'cp1'], leader: 'cp1' });
});
