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

describe.skipIf(!requireProgram('knotd'))('the proof that records may be changed', () => {
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

  it('is a record that is made, known everywhere, and removed again', async () => {
    const before = records();
    world.aws.setPendingAnswers(3);
    const link = await test()(world.zone, account);
    expect(link).toMatchObject({ id: 'change', subject: world.zone.name, status: 'ok' });
    expect(records()).toEqual(before);
    const made = world.aws.requests.map(({ action }) => action.replace('route53:', ''));
    expect(made.filter((action) => action !== 'GetChange')).toEqual([
      'ChangeResourceRecordSets',
      'ChangeResourceRecordSets',
    ]);
    expect(made.filter((action) => action === 'GetChange')).toHaveLength(4);
  });

  it('fails with the policy that would allow it', async () => {
    const denied = open(world.aws.addKey({ actions: ['route53:ListHostedZones'] }));
    const link = await test()(world.zone, denied);
    expect(link).toMatchObject({
      status: 'broken',
      code: 'DNS_CHANGE_DENIED',
      hint: expect.stringContaining(world.zone.id),
    });
    denied.close();
  });

  it('leaves nothing behind when a change does not come into sync', async () => {
    const before = records();
    world.aws.setPendingAnswers(Infinity);
    expect(await test(0)(world.zone, account)).toMatchObject({ status: 'broken', code: 'DNS_CHANGE_NOT_IN_SYNC' });
    expect(records()).toEqual(before);
  });

  it('leaves nothing behind when a person stops it while the record is there', async () => {
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
    const link = createZoneWriteTest({ host, clock, store, signal })(world.zone, waiting);
    await expect(link).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(records()).toEqual(before);
  });

  it('removes what one that was killed has left behind', async () => {
    const before = records();
    // Killed as soon as the record is made: nothing after it comes to an end.
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
    const link = await again(world.zone, account);
    expect(link.evidence.join()).toContain('was left behind by a test that was cut off');
    expect(records()).toEqual(before);
  });

  it('is part of the chain when it is asked for', async () => {
    const { aws, port, key } = world;
    const proveChange = test();
    const report = await checkIngressDns(
      {
        source: { where: 'the test', keys: key, roles: [] },
        names: [{ name: NAME, targets: [], origin: 'the caller' }],
        way: { endpoints: { sts: aws.endpoint, route53: aws.endpoint } },
        dns: { resolvers: [aws.resolver], port: aws.dnsPort },
        endpoint: { scheme: 'http', port },
        proveChange,
      },
      { host: createLocalHost(), clock: impatient },
    );
    expect(report.healthy).toBe(true);
    expect(report.links.find(({ id }) => id === 'change')?.evidence[0]).toContain('removed again');
  });
});

/** The disk of the machine after the process has died: the same files, no locks. */
async function copyRuns(survivor: FakeHost): Promise<void> {
  const [run] = (await host.list(store.directory))?.filter((name) => /^\d{8}T/.test(name)) ?? [];
  const folder = hostPath(`${store.directory}/${run}`);
  await survivor.makeDirectory(hostPath(`${folder}/backup`), { mode: 0o700 });
  const journal = await host.readFile(hostPath(`${folder}/journal.jsonl`));
  await survivor.writeFile(hostPath(`${folder}/journal.jsonl`), journal ?? new Uint8Array(), { mode: 0o600 });
}
