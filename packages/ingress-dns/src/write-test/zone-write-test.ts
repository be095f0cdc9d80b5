import type { Clock, Host } from '@kube-rescue/host';
import {
  createChangeRegistry,
  type Playbook,
  rollbackRun,
  runPlaybook,
  type RunStore,
  type Step,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { randomBytes } from 'node:crypto';
import type { AwsAccount, HostedZone } from '../aws/aws-account.ts';
import { broken, good, type JudgedCondition } from '../conditions/condition.ts';
import { describeRefusedChange } from '../conditions/zone-conditions.ts';
import { IngressDnsError } from '../errors.ts';
import { createDnsChangeKind, type DnsChange } from './dns-change-kind.ts';

export interface ZoneWriteDeps {
  readonly host: Host;
  readonly clock: Clock;
  /** The journals of these write tests only. */
  readonly store: RunStore;
  readonly signal?: AbortSignal | undefined;
  /** How long a change may take to reach all name servers. Default: two minutes. */
  readonly timeoutMs?: number | undefined;
}

/** Proves with a record that a zone can be changed; runs one zone at a time. */
export type ZoneWriteTest = (zone: HostedZone, account: AwsAccount) => Promise<JudgedCondition>;

const PLAYBOOK = 'dns-write-test';
const TTL_SECONDS = 60;
const TIMEOUT_MS = 2 * 60_000;
const INTERVAL_MS = 2000;

/**
 * Creates the write test for `proveChange` of `checkIngressDns`: creates a TXT record, waits until it has reached all name
 * servers, and removes it.
 *
 * The record is journalled before it is created. The next test of a zone removes the record of a killed test.
 */
export function createZoneWriteTest(deps: ZoneWriteDeps): ZoneWriteTest {
  let last: Promise<unknown> = Promise.resolve();
  return (zone, account) => {
    // The tests share a journal and its lock.
    const turn = last.then(() => testZone(zone, account, deps));
    last = turn.catch(() => undefined);
    return turn;
  };
}

async function testZone(zone: HostedZone, account: AwsAccount, deps: ZoneWriteDeps): Promise<JudgedCondition> {
  let changeId: string | undefined;
  const kind = createDnsChangeKind(account, (id) => {
    changeId = id;
  });
  const { host, clock, store, signal = new AbortController().signal } = deps;
  const workflow: WorkflowDeps = { host, clock, store, kinds: createChangeRegistry([kind]), onEvent: () => undefined };
  try {
    const removed = await removeEarlierRecords(zone, workflow);
    const step = createWriteStep(zone, account, deps, () => changeId);
    const input = { playbook: playbookOf(step), selection: {}, confirm: async () => true, signal };
    const { runId } = await runPlaybook(input, workflow).catch(async (error: unknown) => {
      // An interrupted run keeps the changes of its finished steps.
      if (signal.aborted) await removeEarlierRecords(zone, workflow);
      throw error;
    });
    const { notReverted } = await rollbackRun(runId ?? '', workflow);
    const [first] = notReverted;
    if (first !== undefined) throw notRemoved(zone, first.change.target);
    const evidence = ['a TXT record was created, reached all name servers, and was removed', ...removed];
    return good('change', zone.name, 'the records of the zone may be changed', evidence);
  } catch (error) {
    const failure = findFailure(error);
    if (failure === undefined) throw error;
    return failure.code === 'DNS_ACCESS_DENIED'
      ? describeRefusedChange(zone, failure, account)
      : broken('change', zone.name, failure);
  }
}

/** @returns one line for each removed record */
async function removeEarlierRecords(zone: HostedZone, workflow: WorkflowDeps): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { id, playbook, activeChanges } of await workflow.store.list()) {
    const own = activeChanges.filter(({ change }) => change['zoneId'] === zone.id);
    if (playbook !== PLAYBOOK || own.length === 0) continue;
    await rollbackRun(id, workflow);
    removed.push(...own.map(({ change }) => `removed ${change.target} of an interrupted write test`));
  }
  return removed;
}

function createWriteStep(
  zone: HostedZone,
  account: AwsAccount,
  { clock, timeoutMs = TIMEOUT_MS }: ZoneWriteDeps,
  changeId: () => string | undefined,
): Step {
  const name = `_kube-rescue-${randomBytes(8).toString('hex')}.${zone.name}`;
  const change: DnsChange = {
    kind: 'dns.change',
    target: `TXT ${name}`,
    zoneId: zone.id,
    name,
    type: 'TXT',
    ttl: TTL_SECONDS,
    values: ['"a permission test; may be removed"'],
  };
  return {
    id: 'dns/write-test',
    title: `create a TXT record in ${zone.name}`,
    requires: [],
    reversible: 'yes',
    check: async () => ({ status: 'needed', summary: 'only a change proves the permission', evidence: [] }),
    plan: () => [change],
    apply: (changes, journal) => journal.perform(changes.map((each) => ({ change: each }))),
    verify: async (signal) => {
      const deadline = clock.now().getTime() + timeoutMs;
      const id = changeId();
      if (id === undefined) return { verified: false, reason: 'nothing was changed' };
      while (!(await account.isInSync(id, signal))) {
        if (clock.now().getTime() >= deadline) throw notInSync(zone);
        await clock.sleep(INTERVAL_MS, signal);
      }
      return { verified: true, evidence: [] };
    },
  };
}

function playbookOf(step: Step): Playbook {
  return {
    id: PLAYBOOK,
    title: 'Prove the permission to change records',
    phases: [{ id: 'dns', title: 'DNS', steps: async () => [step] }],
  };
}

/** The error of the engine reports the rollback and has the failure as its cause. */
function findFailure(error: unknown): IngressDnsError | undefined {
  if (error instanceof IngressDnsError) return error;
  return error instanceof Error ? findFailure(error.cause) : undefined;
}

function notInSync(zone: HostedZone): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_CHANGE_NOT_IN_SYNC',
    message: 'the change did not reach all name servers of Route 53 in time',
    subject: zone.name,
    hint: 'check the AWS Health Dashboard, then try again',
  });
}

function notRemoved(zone: HostedZone, record: string): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_CHANGE_DENIED',
    message: `could not remove the test record ${record}`,
    subject: zone.name,
    hint: 'remove the record by hand, and allow route53:ChangeResourceRecordSets for deletions, too',
  });
}
