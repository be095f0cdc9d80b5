import type { AwsKey } from '@kube-rescue/testing';
import { requireProgram } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NamedZones } from './credentials/named-zones.ts';
import type { DnsReport } from './dns-check.ts';
import { checkWorld, type DnsWorld, NAME, startDnsWorld } from './dns-world.fixture.ts';

const ZONE = 'example.test';
const IN_ZONE = ['sts:GetCallerIdentity', 'ListResourceRecordSets', 'ChangeResourceRecordSets', 'GetChange'].map(
  (action) => (action.includes(':') ? action : `route53:${action}`),
);

let world: DnsWorld;

function check(keys: AwsKey, zones: NamedZones | undefined, ...names: readonly string[]): Promise<DnsReport> {
  const wanted = (names.length === 0 ? [NAME] : names).map((name) => ({ name, targets: [], origin: 'the caller' }));
  return checkWorld(world, keys, { source: { where: 'the test', keys, roles: [], zones }, names: wanted });
}

const byId = (...ids: readonly string[]): NamedZones => ({ ids, by: 'AWS_HOSTED_ZONE_ID', areListed: false });

/** A key for the records of one zone, as the documents of lego and cert-manager recommend. */
const keyFor = (...zones: readonly string[]): AwsKey => world.aws.addKey({ actions: IN_ZONE, zones });

async function addTwin(): Promise<string> {
  const { id } = await world.aws.addZone({ name: ZONE });
  return id;
}

const putNew = (zoneId: string): Promise<void> =>
  world.aws.putRecords(zoneId, [{ name: `new.${ZONE}`, type: 'A', ttl: 60, values: ['127.0.0.1'] }]);

describe.skipIf(!requireProgram('knotd'))('a zone that the workload names by its id', () => {
  beforeEach(async () => {
    world = await startDnsWorld();
  });
  afterEach(() => world.stop());

  it('is all that the keys must be allowed to read', async () => {
    const report = await check(keyFor(world.zone.id), byId(world.zone.id));
    expect(report.conditions.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(report.healthy).toBe(true);
    const listings = world.aws.requests.filter(({ action }) => action === 'route53:ListResourceRecordSets');
    expect(listings).toHaveLength(1);
  });

  it('must be listed for a workload that lists the zones and skips the others', async () => {
    const { causes } = await check(keyFor(world.zone.id), { ...byId(world.zone.id), areListed: true });
    expect(causes).toMatchObject([{ id: 'list', code: 'DNS_LIST_DENIED' }]);
  });

  it('needs the permission to list its records', async () => {
    const { causes } = await check(keyFor('ZOTHER'), byId(world.zone.id));
    expect(causes).toMatchObject([{ id: 'list', code: 'DNS_LIST_DENIED', subject: `hosted zone ${world.zone.id}` }]);
    expect(causes[0]?.hint).toContain(`hostedzone/${world.zone.id}`);
    expect(causes[0]?.hint).not.toContain('ListHostedZones');
  });

  it('must exist, also where the zones of the account can be listed', async () => {
    const expected = [{ id: 'zone', code: 'DNS_ZONE_MISSING', subject: 'hosted zone ZGONE' }];
    expect((await check(world.key, byId('ZGONE'))).causes).toMatchObject(expected);
    expect((await check(keyFor('ZGONE'), byId('ZGONE'))).causes).toMatchObject(expected);
  });

  it('leaves names of other zones unknown while those cannot be listed', async () => {
    const other = await world.aws.addZone({ name: 'shop.test' });
    await world.aws.putRecords(other.id, [{ name: 'www.shop.test', type: 'A', ttl: 60, values: ['127.0.0.1'] }]);
    const { healthy, causes, conditions } = await check(keyFor(world.zone.id), byId(world.zone.id), 'www.shop.test');
    expect([healthy, causes]).toEqual([false, []]);
    expect(conditions.find(({ id }) => id === 'zone')).toMatchObject({ status: 'unknown', subject: 'www.shop.test' });
  });

  it('is the one judged of several with one name', async () => {
    const twin = await addTwin();
    await putNew(twin);
    const { causes } = await check(world.key, byId(twin), `new.${ZONE}`);
    expect(causes).toMatchObject([
      {
        id: 'delegation',
        code: 'DNS_DELEGATION_WRONG',
        summary: `there are several public hosted zones named ${ZONE}: resolvers ask ${world.zone.id}, but AWS_HOSTED_ZONE_ID names ${twin}`,
      },
    ]);
    expect((await check(world.key, byId(world.zone.id))).healthy).toBe(true);
  });
});

describe.skipIf(!requireProgram('knotd'))('a second public zone of the same name', () => {
  beforeEach(async () => {
    world = await startDnsWorld();
  });
  afterEach(() => world.stop());

  it('is named when it holds the record that resolvers do not find', async () => {
    const twin = await addTwin();
    await putNew(twin);
    const { causes } = await check(world.key, undefined, `new.${ZONE}`);
    expect(causes).toMatchObject([
      {
        id: 'record',
        code: 'DNS_RECORD_MISSING',
        summary: `there are two public hosted zones named ${ZONE}: resolvers ask ${world.zone.id}, the record is in ${twin}`,
      },
    ]);
    expect(causes[0]?.hint).toContain(world.zone.id);
  });

  it('is named when it holds the wanted target', async () => {
    const twin = await addTwin();
    await world.aws.putRecords(twin, [{ name: NAME, type: 'A', ttl: 60, values: ['192.0.2.9'] }]);
    const names = [{ name: NAME, targets: ['192.0.2.9'], origin: 'Ingress shop/web' }];
    const { causes } = await checkWorld(world, world.key, { names });
    expect(causes).toMatchObject([{ id: 'record', code: 'DNS_RECORD_WRONG' }]);
    expect(causes[0]?.summary).toContain(`the record is in ${twin}`);
  });

  it('is not blamed when it does not hold the record either', async () => {
    await addTwin();
    const { causes } = await check(world.key, undefined, `new.${ZONE}`);
    expect(causes).toMatchObject([{ code: 'DNS_RECORD_MISSING', summary: 'the zone has no record for this name' }]);
  });
});
