import { isRecoveryError } from '@kube-rescue/errors';
import type { Change, ChangeKind } from '@kube-rescue/workflow';
import type { AwsAccount } from '../aws/aws-account.ts';

/** Creates one set of records in a hosted zone; public, as everything in DNS. */
export interface DnsChange extends Change {
  readonly kind: 'dns.change';
  /** For example `TXT _kube-rescue-1f3a.example.com`. */
  readonly target: string;
  readonly zoneId: string;
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly values: readonly string[];
}

/**
 * `dns.change`: creates missing records; its undo removes them.
 *
 * @param onChange receives the id of each change, for `isInSync`
 */
export function createDnsChangeKind(account: AwsAccount, onChange: (id: string) => void): ChangeKind<DnsChange> {
  const recordOf = ({ name, type, ttl, values }: DnsChange) => ({ name, type, ttl, values });
  return {
    kind: 'dns.change',
    undoOrder: 'reverse',
    describe: ({ target, zoneId }) => `create ${target} in hosted zone ${zoneId}`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async () => null,
    apply: async (change) => {
      const edit = { action: 'UPSERT', record: recordOf(change) } as const;
      onChange(await account.changeRecords(change.zoneId, [edit]));
    },
    undo: async (change) => {
      try {
        onChange(await account.changeRecords(change.zoneId, [{ action: 'DELETE', record: recordOf(change) }]));
        return { state: 'undone' };
      } catch (error) {
        // Never created, or already removed.
        if (isRecoveryError(error, 'DNS_CHANGE_INVALID', 'DNS_ZONE_MISSING')) return { state: 'already' };
        throw error;
      }
    },
  };
}
