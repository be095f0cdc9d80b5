import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import type { Change, ChangeKind, Json, UndoPreview } from '@kube-rescue/workflow';
import type { EtcdClient } from '../client/etcd-client.ts';
import type { Member } from '../client/member.ts';

/** A change of one member of etcd. */
export interface MemberChange extends Change {
  readonly kind: 'etcd.member-remove' | 'etcd.member-promote';
  /** Id of the member, hexadecimal. */
  readonly target: string;
  readonly name: string;
  /** The member that is asked: never the one that is removed. */
  readonly endpoint: string;
  /** How a later process finds etcd; no file contents. */
  readonly search: Json;
}

/** Connects to etcd as recorded; the caller closes the client. @throws EtcdError */
type OpenMembers = (search: Json) => Promise<Pick<EtcdClient, 'members' | 'close'> & MemberCalls>;
type MemberCalls = Pick<EtcdClient, 'removeMember' | 'promoteMember'>;

export interface MemberChangeDeps {
  readonly open: OpenMembers;
  readonly clock: Clock;
}

/** etcd counts a peer once it has been connected for 5 s (`server/etcdserver/server.go` HealthInterval). */
const CONNECTED_TIMEOUT_MS = 8_000;
const INTERVAL_MS = 500;

interface KindParts {
  readonly kind: MemberChange['kind'];
  readonly doing: string;
  /** The change is made. */
  readonly isDone: (member: Member | undefined) => boolean;
  readonly make: (client: MemberCalls, change: MemberChange) => Promise<void>;
  /** Why no undo is possible. */
  readonly finality: string;
}

/**
 * `etcd.member-remove` and `etcd.member-promote`: change the members of etcd by its own Cluster service. Neither asks whether the
 * majority remains: the step does, and etcd itself does again.
 *
 * Neither can be undone. An undo finds whether the change was made: when it was, it is named as not rolled back.
 */
export function createMemberChangeKinds(deps: MemberChangeDeps): readonly ChangeKind<MemberChange>[] {
  return [
    {
      kind: 'etcd.member-remove' as const,
      doing: 'remove',
      isDone: (member: Member | undefined) => member === undefined,
      make: (client: MemberCalls, { endpoint, target }: MemberChange) => client.removeMember(endpoint, target),
      finality: 'a member that was removed never returns: join its node again as a new one',
    },
    {
      kind: 'etcd.member-promote' as const,
      doing: 'promote',
      isDone: (member: Member | undefined) => member !== undefined && !member.isLearner,
      make: (client: MemberCalls, { endpoint, target }: MemberChange) => client.promoteMember(endpoint, target),
      finality: 'the vote stays: remove the member instead (`kube-rescue etcd members remove`)',
    },
  ].map((parts) => createKind(parts, deps));
}

function createKind(
  { kind, doing, isDone, make, finality }: KindParts,
  { open, clock }: MemberChangeDeps,
): ChangeKind<MemberChange> {
  const within = async <T>(change: MemberChange, use: (client: Awaited<ReturnType<OpenMembers>>) => Promise<T>) => {
    const client = await open(change.search);
    try {
      return await use(client);
    } finally {
      client.close();
    }
  };
  const find = async (client: Pick<EtcdClient, 'members'>, { target }: MemberChange): Promise<Member | undefined> =>
    (await client.members()).find(({ id }) => id === target);
  const preview = async (change: MemberChange): Promise<Exclude<UndoPreview, { readonly state: 'ready' }>> =>
    within(change, async (client) =>
      isDone(await find(client, change)) ? { state: 'foreign', reason: finality } : { state: 'already' },
    );
  return {
    kind,
    undoOrder: 'reverse',
    describe: ({ name, target }) =>
      `${doing} the member ${name === '' ? target : `${name} (${target})`} of etcd for good`,
    preflight: async () => undefined,
    staleness: (change) =>
      within(change, async (client) =>
        kind === 'etcd.member-promote' && (await find(client, change)) === undefined
          ? `etcd has no member ${change.target}`
          : undefined,
      ),
    capture: async () => ({}),
    apply: (change) =>
      within(change, async (client) => {
        if (isDone(await find(client, change))) return;
        try {
          await onceConnected(() => make(client, change), clock);
        } catch (error) {
          if (!isRecoveryError(error, 'ETCD_OUTCOME_UNKNOWN')) throw error;
          // The request is never sent twice: the list decides, once an election is over.
          const end = clock.now().getTime() + CONNECTED_TIMEOUT_MS;
          while (!isDone(await find(client, change))) {
            if (clock.now().getTime() >= end) throw error;
            await clock.sleep(INTERVAL_MS);
          }
        }
      }),
    previewUndo: preview,
    undo: preview,
  };
}

/** Repeats a call that etcd refused before it proposed anything, because its peers are connected since a moment only. */
async function onceConnected(call: () => Promise<void>, clock: Clock): Promise<void> {
  const end = clock.now().getTime() + CONNECTED_TIMEOUT_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const mayPass = isRecoveryError(error, 'ETCD_REFUSED') && /unhealthy cluster/.test(error.message);
      if (!mayPass || clock.now().getTime() >= end) throw error;
    }
    await clock.sleep(INTERVAL_MS);
  }
}
