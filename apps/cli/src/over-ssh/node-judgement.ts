import type { MemberListing } from '@kube-rescue/diagnosis';
import type { NodeFacts } from './node-facts.ts';

/** Certificates are backdated by five minutes (`x509`, `issuing.ts`): a peer whose clock is further behind refuses a new one. */
const MOST_CLOCK_DIFFERENCE_MS = 5 * 60_000;
const MS_PER_SECOND = 1000;

/**
 * Why these nodes cannot be recovered together, each reason with the names of the nodes; empty when they can. Pure.
 *
 * The clocks are compared with each other: certificates are issued and judged by them alone.
 * @param machine of the program; `undefined`: any
 * @param reissued CAs that are installed on every node, as in `NodeFacts`: a node may have them already
 */
export function judgeFacts(
  facts: readonly NodeFacts[],
  machine: string | undefined,
  reissued: NodeFacts['cas'] = {},
): readonly string[] {
  return [...judgeHosts(facts), ...judgeMachines(facts, machine), ...judgeClocks(facts), ...judgeCas(facts, reissued)];
}

function judgeHosts(facts: readonly NodeFacts[]): readonly string[] {
  const groups = Map.groupBy(facts, ({ hostname }) => hostname);
  return [...groups].flatMap(([hostname, same]) =>
    same.length === 1 ? [] : [`${namesOf(same)} are one machine, ${hostname}`],
  );
}

function judgeMachines(facts: readonly NodeFacts[], machine: string | undefined): readonly string[] {
  return facts.flatMap((each) =>
    machine === undefined || each.machine === machine
      ? []
      : [`${each.name} has a processor ${each.machine}, and the program is for ${machine}`],
  );
}

function judgeClocks(facts: readonly NodeFacts[]): readonly string[] {
  const [first] = facts;
  const ordered = facts.toSorted((a, b) => a.clockOffsetMs - b.clockOffsetMs);
  const slowest = ordered[0] ?? first;
  const fastest = ordered.at(-1) ?? first;
  if (slowest === undefined || fastest === undefined) return [];
  const difference = fastest.clockOffsetMs - slowest.clockOffsetMs;
  if (difference - slowest.clockErrorMs - fastest.clockErrorMs <= MOST_CLOCK_DIFFERENCE_MS) return [];
  const seconds = Math.round(difference / MS_PER_SECOND);
  return [
    `the clock of ${slowest.name} is ${seconds} s behind that of ${fastest.name}: it would refuse certificates that ${fastest.name} issues, which begin ${MOST_CLOCK_DIFFERENCE_MS / MS_PER_SECOND} s in the past`,
  ];
}

const CA_NAMES: Readonly<Record<string, string>> = {
  'ca.crt': 'cluster CA',
  'etcd/ca.crt': 'etcd CA',
  'front-proxy-ca.crt': 'front proxy CA',
};

function judgeCas(facts: readonly NodeFacts[], reissued: NodeFacts['cas']): readonly string[] {
  return Object.entries(CA_NAMES).flatMap(([file, name]) => {
    const having = facts.filter(({ cas }) => cas[file] !== undefined && cas[file] !== reissued[file]);
    const groups = [...Map.groupBy(having, ({ cas }) => cas[file]).values()];
    if (groups.length <= 1) return [];
    const sides = groups.toSorted((a, b) => b.length - a.length).map(namesOf);
    return [`the ${name} of ${sides.join(' differs from that of ')}`];
  });
}

/** Differences that are worth a warning, and no refusal. Pure. */
export function remarksOn(facts: readonly NodeFacts[]): readonly string[] {
  const versions = new Set(facts.flatMap(({ kubernetes }) => kubernetes ?? []));
  const skewed =
    versions.size <= 1
      ? []
      : [
          `the API servers have different versions: ${facts.map(({ name, kubernetes }) => `${name} ${kubernetes ?? 'unknown'}`).join(', ')}`,
        ];
  const offset = facts.find(({ clockOffsetMs, clockErrorMs }) => {
    return Math.abs(clockOffsetMs) - clockErrorMs > MOST_CLOCK_DIFFERENCE_MS;
  });
  if (offset === undefined) return skewed;
  const seconds = Math.round(offset.clockOffsetMs / MS_PER_SECOND);
  return [
    ...skewed,
    `the clock of ${offset.name} is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} that of this machine; it is the nodes' clocks that count`,
  ];
}

/** A node with the members of etcd that it lists; `undefined` where it lists none. */
export interface NodeMembers {
  readonly name: string;
  readonly listing: Pick<MemberListing, 'members' | 'hasQuorum'> | undefined;
}

/**
 * Why the nodes are not the members of one etcd: a node that is no member, a member whose node is missing. Pure.
 * @param without members that are left out
 */
export function judgeMembers(nodes: readonly NodeMembers[], without: readonly string[]): readonly string[] {
  const own = nodes.map(({ name, listing }) => ({
    name,
    member: listing?.members.find(({ isThisNode }) => isThisNode),
  }));
  const strangers = own.flatMap(({ name, member }) => (member === undefined ? [`${name} is no member of etcd`] : []));
  const covered = new Set(own.flatMap(({ member }) => member?.name ?? []));
  const members = nodes.flatMap(({ listing }) => listing?.members ?? []).filter(({ isLearner }) => !isLearner);
  const names = new Set(members.map(({ name, id }) => name || id));
  const missing = [...names].filter((name) => !covered.has(name) && !without.includes(name));
  const unknown = without.filter((name) => !names.has(name));
  const left = names.size - without.filter((name) => names.has(name)).length;
  const needed = Math.floor(names.size / 2) + 1;
  return [
    ...strangers,
    ...missing.map((name) => `the member ${name} of etcd is not among the nodes`),
    ...unknown.map((name) => `${name} of --without is no member of etcd`),
    ...(without.length > 0 && left < needed
      ? [`without ${without.join(', ')} etcd has ${left} of ${names.size} members, and needs ${needed}`]
      : []),
  ];
}

/** How the nodes are recovered. Pure. */
export interface NodeOrder {
  /** `side-by-side`: no majority works, and each waits for the others; `one-by-one`: the next one once the former is proven. */
  readonly order: 'side-by-side' | 'one-by-one';
  /** The leader of etcd is the last. */
  readonly names: readonly string[];
  readonly leader: string | undefined;
}

/** One after the other as soon as one node sees a majority: etcd must keep it. The leader is the last, so that it moves once. Pure. */
export function orderOf(nodes: readonly NodeMembers[]): NodeOrder {
  const hasQuorum = nodes.some(({ listing }) => listing?.hasQuorum === true);
  const leader = nodes.find(({ listing }) =>
    listing?.members.some(({ isThisNode, isLeader }) => isThisNode && isLeader),
  );
  const rest = nodes.filter((node) => node !== leader);
  const names = [...rest, ...(leader === undefined ? [] : [leader])].map(({ name }) => name);
  return { order: hasQuorum ? 'one-by-one' : 'side-by-side', names, leader: leader?.name };
}

function namesOf(facts: readonly Pick<NodeFacts, 'name'>[]): string {
  return facts.map(({ name }) => name).join(' and ');
}
