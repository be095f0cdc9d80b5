import {
  fieldsAt,
  type KubernetesObject,
  type ObjectSource,
  type OpenObjects,
  RESOURCE_KINDS,
  type StoredObject,
  textAt,
} from '@kube-rescue/cluster-objects';
import type { Change, ChangeKind } from '@kube-rescue/workflow';
import { changeWhileDue } from '../controllers/change-while-due.ts';
import { type Leader, LEADER_ANNOTATION, type LeaderLock, type LockCarrier, readRecord } from './leader-election.ts';

/** Takes a lock from a holder that has ended. */
export interface LeaseRelease extends Change {
  readonly kind: 'lease.release';
  /** For example `Lease kube-system/kube-scheduler`. */
  readonly target: string;
  readonly carrier: LockCarrier;
  readonly namespace: string;
  readonly name: string;
  readonly holder: string;
  /** ISO 8601, of the record that was judged. */
  readonly renewedAt: string;
  readonly source: ObjectSource;
}

export function leaseRelease({ namespace, name }: LeaderLock, leader: Leader, source: ObjectSource): LeaseRelease {
  const { lock: target, carrier, holder, renewedAt } = leader;
  return {
    kind: 'lease.release',
    target,
    carrier,
    namespace,
    name,
    holder,
    renewedAt: renewedAt.toISOString(),
    source,
  };
}

/**
 * `lease.release`: removes the holder from a lock by compare-and-swap, as client-go does when a leader steps down (`leaderelection`,
 * release), so that the next candidate need not wait until the lock expires. Leaves a lock alone that was renewed or taken since.
 *
 * Without an undo: the next candidate holds the lock by then, and an ended holder needs none.
 */
export function createLeaseReleaseKind(open: OpenObjects): ChangeKind<LeaseRelease> {
  const read = async ({ source, carrier, namespace, name }: LeaseRelease): Promise<StoredObject | undefined> =>
    (await open(source)).get({ kind: RESOURCE_KINDS[carrier], namespace, name });
  return {
    kind: 'lease.release',
    undoOrder: 'reverse',
    describe: ({ target, holder }) => `take ${target} from ${holder}, which has ended`,
    preflight: async () => undefined,
    // A lock that was renewed or taken meanwhile is left alone.
    staleness: async () => undefined,
    capture: async () => ({}),
    apply: (change) =>
      changeWhileDue({
        read: () => read(change),
        isDue: ({ object }) => isAsJudged(object, change),
        change: async (present) =>
          (await open(change.source)).replace(present, withoutHolder(present.object, change.carrier)),
      }),
    undo: async () => ({ state: 'already' }),
  };
}

/** Whether the lock is still as it was when its holder was judged. */
function isAsJudged(object: KubernetesObject, { carrier, holder, renewedAt }: LeaseRelease): boolean {
  const record = readRecord(carrier, object);
  const renewed = new Date(textAt(record, 'renewTime') ?? Number.NaN);
  return textAt(record, 'holderIdentity') === holder && renewed.getTime() === Date.parse(renewedAt);
}

function withoutHolder(object: KubernetesObject, carrier: LockCarrier): KubernetesObject {
  const record = readRecord(carrier, object);
  if (carrier === 'Lease') {
    const { holderIdentity: _ended, ...spec } = record;
    return { ...object, spec };
  }
  const annotations = fieldsAt(object, 'metadata', 'annotations');
  const released = JSON.stringify({ ...record, holderIdentity: '' });
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [LEADER_ANNOTATION]: released } },
  };
}
