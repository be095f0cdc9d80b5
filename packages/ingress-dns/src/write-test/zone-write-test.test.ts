import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { createFakeHost, type FakeHost, requireProgram } from '@kube-rescue/testing';
import { openRunStore, type RunStore } from '@kube-rescue/workflow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AwsAccount, openAwsAccount } from '../aws/aws-account.ts';
import { checkIngressDns } from '../dns-check.ts';
import { type DnsWorld, NAME, startDnsWorld } from '../dns-world.fixture.ts';
import { createZoneWriteTest } from './zone-write-test.ts';

let world: DnsWorld;
let account: AwsAccount;
let store: RunStore;
let host: FakeHost;
const impatient = { now: systemClock.now, sleep: () => systemClock.sleep(1) };

const open = (keys = world.key): AwsAccount =>
  openAwsAccount({ endpoints: { sts: world.aws.endpoint, route53: world.aws.endpoint } }, keys, { clock: impatient });
const records = (): readonly string[] => world.aws.records(world.zone.id).map(({ name, type }) => `${type} ${name}`);
const test = (timeoutMs = 10_000) => createZoneWriteTest({ host, clock: impatient, store, timeoutMs });

describe.skipIf(!requireProgram('knotd'))('the write test of a zone', () => {
  beforeEach(async () => {
    world = await startDnsWorld();
    account = open();
    host = createFakeHost();
    store = openRunStore(host, hostPath(`/tmp/${world.zone.id}`));
  });
  afterEach(async () => {
    account.close();
    await world.stop();
  });

  it('creates a record, waits for all name servers, and removes it', async () => {
    const before = records();
    world.aws.setPendingAnswers(3);
    const condition = await test()(world.zone, account);
    expect(condition).toMatchObject({ id: 'change', subject: world.zone.name, status: 'ok' });
    expect(records()).toEqual(before);
    const made = world.aws.requests.map(({ action }) => action.replace('route53:', ''));
    expect(made.filter((action) => action !== 'GetChange')).toEqual([
      'ChangeResourceRecordSets',
      'ChangeResourceRecordSets',
    ]);
    expect(made.filter((action) => action === 'GetChange')).toHaveLength(4);
  });

  it('fails with the policy that allows the change', async () => {
    const denied = open(world.aws.addKey({ actions: ['route53:ListHostedZones'] }));
    const condition = await test()(world.zone, denied);
    expect(condition).toMatchObject({
      status: 'broken',
      code: 'DNS_CHANGE_DENIED',
      hint: expect.stringContaining(world.zone.id),
    });
    denied.close();
  });

  it('removes the record when the change does not reach all name servers', async () => {
    const before = records();
    world.aws.setPendingAnswers(Infinity);
    expect(await test(0)(world.zone, account)).toMatchObject({ status: 'broken', code: 'DNS_CHANGE_NOT_IN_SYNC' });
    expect(records()).toEqual(before);
  });

  it('removes the record when the operator interrupts the test', async () => {
    const before = records();
    const stopped = new AbortController();
    const waiting = {
      ...account,
      changeRecords: account.changeRecords.bind(account),
      isInSync: async () => {
        expect(records()).toHaveLength(before.length + 1);
        stopped.abort();
        return false;
      },
    };
    const { signal } = stopped;
    const clock = { now: systemClock.now, sleep: async () => signal.throwIfAborted() };
    const condition = createZoneWriteTest({ host, clock, store, signal })(world.zone, waiting);
    await expect(condition).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(records()).toEqual(before);
  });

  it('removes the record of a killed test', async () => {
    const before = records();
    // Killed right after the record is created: the wait never ends.
    const killed = {
      ...account,
      changeRecords: account.changeRecords.bind(account),
      isInSync: () => new Promise<never>(() => undefined),
    };
    void test()(world.zone, killed);
    await expect.poll(records, { timeout: 5000 }).toHaveLength(before.length + 1);
    const survivor = createFakeHost({ tree: new Map() });
    await copyRuns(survivor);
    const again = createZoneWriteTest({
      host: survivor,
      clock: impatient,
      store: openRunStore(survivor, store.directory),
    });
    const condition = await again(world.zone, account);
    expect(condition.evidence.join()).toContain('of an interrupted write test');
    expect(records()).toEqual(before);
  });

  it('is part of the check when it is enabled', async () => {
    const { aws, port, key } = world;
    const proveChange = test();
    const report = await checkIngressDns(
      {
        source: { where: 'the test', keys: key, roles: [] },
        names: [{ name: NAME, targets: [], origin: 'the caller' }],
        awsClient: { endpoints: { sts: aws.endpoint, route53: aws.endpoint } },
        dns: { resolvers: [aws.resolver], port: aws.dnsPort },
        endpoint: { scheme: 'http', port },
        proveChange,
      },
      { host: createLocalHost(), clock: impatient },
    );
    expect(report.healthy).toBe(true);
    expect(report.conditions.find(({ id }) => id === 'change')?.evidence[0]).toContain('and was removed');
  });
});

/** Copies the runs without their locks, as after a crash of the process. */
async function copyRuns(survivor: FakeHost): Promise<void> {
  const [run] = (await host.list(store.directory))?.filter((name) => /^\d{8}T/.test(name)) ?? [];
  const folder = hostPath(`${store.directory}/${run}`);
  await survivor.makeDirectory(hostPath(`${folder}/backup`), { mode: 0o700 });
  for (const name of ['journal.jsonl', 'head.json']) {
    const bytes = await host.readFile(hostPath(`${folder}/${name}`));
    await survivor.writeFile(hostPath(`${folder}/${name}`), bytes ?? new Uint8Array(), { mode: 0o600 });
  }
}
