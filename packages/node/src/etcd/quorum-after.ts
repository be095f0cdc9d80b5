/** Voting members that are a majority of so many. Pure. */
export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** How a member takes part. Only `healthy` counts towards a majority that can commit. */
export type MemberState =
  | 'healthy'
  /** It answers, and cannot work: an alarm, or a certificate that the others refuse. */
  | 'unhealthy'
  | 'unreachable'
  /** It answers, and cannot acknowledge new entries before it has caught up. */
  | 'behind';

/** A member, as far as the arithmetic of a majority needs it. */
export interface CountedMember {
  readonly name: string;
  /** Without a vote. */
  readonly isLearner?: boolean | undefined;
  readonly state: MemberState;
}

/** What is about to happen to one member. */
export interface MemberAction {
  readonly kind: 'stop' | 'restart' | 'remove' | 'add' | 'add-learner' | 'promote';
  /** The name of the member; of a new one for `add`. */
  readonly member: string;
}

/** The sum after an action. */
export interface Quorum {
  /** Members that vote. */
  readonly voters: number;
  readonly needed: number;
  /** Voting members that can acknowledge an entry. */
  readonly answering: number;
  /** A majority remains. For `remove`, `add` and `promote` also: there is one now, which has to agree. */
  readonly holds: boolean;
  /** Further members that may fail while the majority remains; 0 without one. */
  readonly tolerates: number;
  /** `3 members, 2 answer, stopping cp2 leaves 1 of 2 needed`. */
  readonly sum: string;
}

const DOING: Readonly<Record<MemberAction['kind'], string>> = {
  stop: 'stopping',
  restart: 'restarting',
  remove: 'removing',
  add: 'adding',
  'add-learner': 'adding the learner',
  promote: 'promoting',
};

/**
 * Whether etcd keeps its majority when something happens to one member. Pure; knows nothing of the network between the members.
 *
 * `restart` is judged for the time in which the member is down. A cluster of one member loses its majority with every stop:
 * the caller decides whether nothing else can be done. A new voting member counts as down until it has started.
 */
export function quorumAfter(members: readonly CountedMember[], action?: MemberAction): Quorum {
  const now = count(members);
  if (action === undefined) return { ...now, sum: describe(now) };
  const next = count(afterAction(members, action));
  // Raft commits a change of the members by the majority of now; a stop needs no vote.
  const needsAgreement = action.kind !== 'stop' && action.kind !== 'restart';
  const holds = next.holds && (now.holds || !needsAgreement);
  return {
    ...next,
    holds,
    tolerates: holds ? next.tolerates : 0,
    sum: `${describe(now)}, ${DOING[action.kind]} ${action.member} leaves ${next.answering} of ${next.needed} needed`,
  };
}

function afterAction(members: readonly CountedMember[], { kind, member }: MemberAction): readonly CountedMember[] {
  const others = members.filter(({ name }) => name !== member);
  const known = members.find(({ name }) => name === member);
  switch (kind) {
    case 'stop':
    case 'restart':
      return known === undefined ? members : [...others, { ...known, state: 'unreachable' }];
    case 'remove':
      return others;
    case 'add':
      return [...others, { name: member, state: 'unreachable' }];
    case 'add-learner':
      return [...others, { name: member, isLearner: true, state: 'unreachable' }];
    case 'promote':
      return known === undefined ? members : [...others, { ...known, isLearner: false }];
  }
}

function count(members: readonly CountedMember[]): Omit<Quorum, 'sum'> {
  const voting = members.filter(({ isLearner }) => isLearner !== true);
  const answering = voting.filter(({ state }) => state === 'healthy').length;
  const needed = quorumOf(voting.length);
  const holds = voting.length > 0 && answering >= needed;
  return { voters: voting.length, needed, answering, holds, tolerates: holds ? answering - needed : 0 };
}

function describe({ voters, answering }: Omit<Quorum, 'sum'>): string {
  return `${voters} member${voters === 1 ? '' : 's'}, ${answering} answer${answering === 1 ? 's' : ''}`;
}
