import { requireProgram } from '@kube-rescue/testing';
import type { AwsKey } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONDITION_IDS } from './conditions/condition.ts';
import { BREAKS, checkWorld, type DnsWorld, NAME, startDnsWorld } from './dns-world.fixture.ts';
import type { DnsCheckInput, DnsReport } from './dns-check.ts';
import { IngressDnsError } from './errors.ts';

let world: DnsWorld;

function check(keys: AwsKey, input: Partial<DnsCheckInput> = {}): Promise<DnsReport> {
  return checkWorld(world, keys, input);
}

function expectNoSecret(report: unknown, { secretAccessKey, sessionToken, accessKeyId }: AwsKey): void {
  const text = JSON.stringify(report);
  for (const secret of [secretAccessKey.trim(), sessionToken]) {
    if (secret !== undefined) expect(text).not.toContain(secret.slice(0, 12));
  }
  expect(text).not.toContain(accessKeyId.trim());
}

describe.skipIf(!requireProgram('knotd'))('the check from credentials to endpoint', () => {
  beforeEach(async () => {
    world = await startDnsWorld();
  });
  afterEach(() => world.stop());

  it('passes every condition with working keys', async () => {
    const report = await check(world.key);
    expect(report.conditions.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(report.healthy).toBe(true);
    const ofWebIdentities = ['token', 'issuer', 'keys', 'trust'];
    const wanted = CONDITION_IDS.filter((id) => !ofWebIdentities.includes(id));
    expect(report.conditions.map(({ id }) => id)).toEqual(wanted);
    expect(report.identity?.account).toBe('123456789012');
    expect(report.requestCount).toBe(world.aws.requests.length);
    expectNoSecret(report, world.key);
  });

  it.each(BREAKS)(
    'reports the first broken condition as the cause: $title',
    async ({ condition, code, arrange, target, name = NAME }) => {
      const keys = await arrange(world);
      const names = [{ name, targets: target === undefined ? [] : [target], origin: 'the caller' }];
      const report = await check(keys, { names });
      expect(report.causes.map((cause) => [cause.id, cause.code])).toEqual([[condition, code]]);
      expect(report.causes[0]?.hint).toBeTruthy();
      expect(report.healthy).toBe(false);
      const at = report.conditions.findIndex(({ status }) => status === 'cause');
      expect(report.conditions.slice(0, at).filter(({ status }) => status !== 'ok' && status !== 'unknown')).toEqual(
        [],
      );
      expectNoSecret(report, keys);
    },
  );

  it('reports that AWS accepts the corrected keys', async () => {
    const { conditions } = await check({ ...world.key, secretAccessKey: ` ${world.key.secretAccessKey}\n` });
    expect(conditions.find(({ id }) => id === 'form')?.evidence).toEqual(['AWS accepts the corrected keys']);
    expect(conditions.filter(({ status }) => status !== 'ok').map(({ id }) => id)).toEqual(['form']);
  });

  it('probes the endpoint by address when the keys do not work', async () => {
    await world.aws.putRecords(world.zone.id, [
      { name: 'other.example.test', type: 'A', ttl: 1, values: ['127.0.0.1'] },
    ]);
    const names = [{ name: 'new.example.test', targets: ['127.0.0.1'], origin: 'Ingress shop/web' }];
    const { conditions } = await check({ ...world.key, secretAccessKey: 'x'.repeat(40) }, { names });
    expect(conditions.at(-1)).toMatchObject({ id: 'endpoint', status: 'consequence' });
    expect(conditions.at(-1)?.evidence[0]).toContain('at 127.0.0.1: status 200');
  });

  it('picks the delegated zone of several with one name', async () => {
    const other = await world.aws.addZone({ name: 'example.test' });
    const { conditions, healthy } = await check(world.key);
    expect(healthy).toBe(true);
    expect(conditions.find(({ id }) => id === 'zone')?.evidence.join()).toContain(other.id);
  });

  it('picks the zone with the longest matching name', async () => {
    const { id } = await world.aws.addZone({ name: 'shop.example.test', delegated: false });
    const { causes, conditions } = await check(world.key);
    expect(conditions.find((condition) => condition.id === 'zone')?.evidence).toEqual([`hosted zone ${id}`]);
    expect(causes[0]).toMatchObject({ id: 'record', code: 'DNS_RECORD_MISSING' });
  });

  it('works with the permission to look up zones by name only', async () => {
    const actions = ['ListHostedZonesByName', 'ListResourceRecordSets', 'ChangeResourceRecordSets'];
    const key = world.aws.addKey({ actions: actions.map((action) => `route53:${action}`) });
    expect((await check(key)).healthy).toBe(true);
  });

  it('accepts a wildcard, an alias and a host name as target', async () => {
    await world.aws.putRecords(world.zone.id, [
      { name: '*.example.test', type: 'CNAME', ttl: 60, values: ['shop.example.test.'] },
      { name: 'alias.example.test', type: 'A', ttl: 0, values: [], aliasTarget: 'shop.example.test' },
    ]);
    const wanted = (name: string, ...targets: string[]) => ({ name, targets, origin: 'the caller' });
    const names = [
      wanted('any.example.test', 'shop.example.test'),
      wanted('*.example.test', '127.0.0.1'),
      wanted('alias.example.test', 'dualstack.shop.example.test'),
    ];
    const { conditions } = await check(world.key, { names });
    expect(conditions.filter(({ status }) => status !== 'ok')).toEqual([]);
  });

  it('reads the delegation from the resolver when the name servers are not reachable', async () => {
    const { conditions, healthy } = await check(world.key, { dns: { resolvers: [world.aws.resolver], port: 1 } });
    expect(healthy).toBe(true);
    expect(conditions.find(({ id }) => id === 'delegation')?.evidence[0]).toMatch(/^the resolver lists ns-1-0/);
  });

  it('assumes a role with its external id', async () => {
    const arn = world.aws.addRole({ name: 'dns', externalId: 'shop' });
    const keys = world.aws.addKey({ actions: ['sts:AssumeRole'] });
    const source = { where: 'the test', keys, roles: [{ arn, externalId: 'shop' }] };
    expect((await check(keys, { source })).healthy).toBe(true);
    const { causes } = await check(keys, { source: { ...source, roles: [{ arn, externalId: 'other' }] } });
    expect(causes[0]).toMatchObject({
      id: 'identity',
      code: 'DNS_ACCESS_DENIED',
      hint: expect.stringContaining('external id'),
    });
  });

  it('accepts the temporary keys of a session', async () => {
    expect((await check(world.aws.addSession())).healthy).toBe(true);
  });

  it('is not healthy when a condition is unknown', async () => {
    const source = { where: 'ServiceAccount dns/external-dns', ambient: 'IRSA' as const, roles: [] };
    const report = await check(world.key, { source });
    expect(report).toMatchObject({ healthy: false, causes: [] });
    expect(report.conditions[0]).toMatchObject({ status: 'unknown', code: 'DNS_CREDENTIALS_AMBIENT' });
  });

  it('reports that AWS is not reachable', async () => {
    const { causes } = await check(world.key, { awsClient: { endpoints: { sts: 'http://127.0.0.1:1' } } });
    expect(causes[0]).toMatchObject({ id: 'identity', code: 'DNS_AWS_UNREACHABLE' });
  });

  it('stops when its signal aborts', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const failure = await check(world.key, { signal }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(IngressDnsError);
  });
});
