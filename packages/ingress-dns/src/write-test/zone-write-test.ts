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
import { broken, good, type SeenLink } from '../conditions/condition.ts';
import { describeRefusedChange } from '../conditions/zone-conditions.ts';
import { IngressDnsError } from '../errors.ts';
import { createDnsChangeKind, type DnsChange } from './dns-change-kind.ts';

export interface ZoneWriteDeps {
  readonly host: Host;
  readonly clock: Clock;
  /** Where the journal is kept, of these tests alone. */
  readonly store: RunStore;
  readonly signal?: AbortSignal | undefined;
  /** For a change to reach all name servers. Default: two minutes. */
  readonly timeoutMs?: number | undefined;
}

/** Proves with a record that a zone can be changed; one zone at a time. */
export type ZoneWriteTest = (zone: HostedZone, account: AwsAccount) => Promise<SeenLink>;

const PLAYBOOK = 'dns-write-test';
const TTL_SECONDS = 60;
const TIMEOUT_MS = 2 * 60_000;
const INTERVAL_MS = 2000;

/**
 * Makes the test that `checkIngressDns` takes as `proveChange`: creates a TXT record, waits until all name servers know it,
 * and removes it again.
 *
 * The record is journalled before it is made. What a killed test leaves behind is removed by the next one on its zone.
 */
export function createZoneWriteTest(deps: ZoneWriteDeps): ZoneWriteTest {
  let last: Promise<unknown> = Promise.resolve();
  return (zone, account) => {
    // They share a journal, and its lock.
    const turn = last.then(() => testZone(zone, account, deps));
    last = turn.catch(() => undefined);
    return turn;
  };
}

async function testZone(zone: HostedZone, account: AwsAccount, deps: ZoneWriteDeps): Promise<SeenLink> {
  let changeId: string | undefined;
  const kind = createDnsChangeKind(account, (id) => {
    changeId = id;
  });
  const { host, clock, store, signal = new AbortController().signal } = deps;
  const workflow: WorkflowDeps = { host, clock, store, kinds: createChangeRegistry([kind]), onEvent: () => undefined };
  try {
    const removed = await removeLabTraces(zone, workflow);
    const step = createWriteStep(zone, account, deps, () => changeId);
    const input = { playbook: playbookOf(step), selection: {}, confirm: async () => true, signal };
    const { runId } = await runPlaybook(input, workflow).catch(async (error: unknown) => {
      // A person who stops it stops a run between two steps, and what was made until then stands.
      if (signal.aborted) await removeLabTraces(zone, workflow);
      throw error;
    });
    const { notReverted } = await rollbackRun(runId ?? '', workflow);
    const [first] = notReverted;
    if (first !== undefined) throw notRemoved(zone, first.change.target);
    const evidence = ['a TXT record was made, known to all name servers, and removed again', ...removed];
    return good('change', zone.name, 'its records may be changed', evidence);
  } catch (error) {
    const failure = findFailure(error);
    if (failure === undefined) throw error;
    return failure.code === 'DNS_ACCESS_DENIED'
      ? describeRefusedChange(zone, failure, account)
      : broken('change', zone.name, failure);
  }
}

/** @returns what was removed, a line each */
async function removeLabTraces(zone: HostedZone, workflow: WorkflowDeps): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { id, playbook, activeChanges } of await workflow.store.list()) {
    const own = activeChanges.filter(({ change }) => change['zoneId'] === zone.id);
    if (playbook !== PLAYBOOK || own.length === 0) continue;
    await rollbackRun(id, workflow);
    removed.push(
      ...own.map(({ change }) => `${change.target} was left behind by a test that was cut off; it is removed`),
    );
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
    values: ['"a test of permissions; may be removed"'],
  };
  return {
    id: 'dns/write-test',
    title: `make a TXT record in ${zone.name}`,
    requires: [],
    reversible: 'yes',
    check: async () => ({ status: 'needed', summary: 'only a change proves that changes are allowed', evidence: [] }),
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
    title: 'Prove that records may be changed',
    phases: [{ id: 'dns', title: 'DNS', steps: async () => [step] }],
  };
}

/** The engine tells that it took everything back, and carries the reason behind it. */
function findFailure(error: unknown): IngressDnsError | undefined {
  if (error instanceof IngressDnsError) return error;
  return error instanceof Error ? findFailure(error.cause) : undefined;
}

function notInSync(zone: HostedZone): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_CHANGE_NOT_IN_SYNC',
    message: 'a change does not reach all name servers of Route 53',
    subject: zone.name,
    hint: "look at AWS's health page, and try again",
  });
}

function notRemoved(zone: HostedZone, record: string): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_CHANGE_DENIED',
    message: `the record of the test could not be removed: ${record}`,
    subject: zone.name,
    hint: 'remove it by hand, and allow route53:ChangeResourceRecordSets for deletions, too',
  });
}
