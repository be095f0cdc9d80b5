import { requireProgram } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AwsCredentialsRequest, checkAwsCredentials } from './aws-credentials-check.ts';
import { type DnsWorld, startDnsWorld } from './dns-world.fixture.ts';

let world: DnsWorld;

const check = (keys: AwsCredentialsRequest) =>
  checkAwsCredentials({ ...keys, endpoints: { sts: world.aws.endpoint, route53: world.aws.endpoint } });

describe.skipIf(!requireProgram('knotd'))('checkAwsCredentials', () => {
  beforeEach(async () => {
    world = await startDnsWorld();
  });
  afterEach(() => world.stop());

  it('says whose the keys are and which zones they see, with no name and no cluster', async () => {
    await world.aws.addZone({ name: 'internal.test', isPrivate: true });
    const { healthy, identity, zones, causes, requestCount } = await check(world.key);
    expect([healthy, causes]).toEqual([true, []]);
    expect(identity).toMatchObject({
      account: expect.stringMatching(/^\d{12}$/) as string,
      arn: expect.stringContaining('arn:aws:iam::') as string,
    });
    expect(zones?.map(({ name, isPrivate }) => [name, isPrivate])).toEqual([
      ['example.test', false],
      ['internal.test', true],
    ]);
    expect(requestCount).toBe(2);
  });

  it('names the missing permission, with the whole policy', async () => {
    const key = world.aws.addKey({ actions: ['sts:GetCallerIdentity'] });
    const { healthy, identity, zones, causes } = await check(key);
    expect([healthy, zones]).toEqual([false, undefined]);
    expect(identity?.account).toMatch(/^\d{12}$/);
    expect(causes.map(({ id, code }) => [id, code])).toEqual([['list', 'DNS_LIST_DENIED']]);
    expect(causes[0]?.hint).toContain('"route53:ListHostedZones"');
  });

  it('reports a wrong secret as the cause, not as an exception', async () => {
    const { causes, identity } = await check({ ...world.key, secretAccessKey: world.aws.addKey().secretAccessKey });
    expect([causes.map(({ code }) => code), identity]).toEqual([['DNS_SECRET_WRONG'], undefined]);
  });

  it('judges a zone by its id, also where zones cannot be listed', async () => {
    const actions = ['ListResourceRecordSets', 'ChangeResourceRecordSets'].map((each) => `route53:${each}`);
    const key = world.aws.addKey({ actions: ['sts:GetCallerIdentity', ...actions], zones: [world.zone.id] });
    const { conditions, zones } = await check({ ...key, zoneIds: [world.zone.id] });
    expect(zones).toMatchObject([{ id: world.zone.id, name: 'example.test' }]);
    const judged = conditions.filter(({ subject }) => subject === 'example.test');
    expect(judged.map(({ id }) => id)).toEqual(['zone', 'change', 'delegation']);
    expect((await check({ ...key, zoneIds: ['ZNOTHERE'] })).healthy).toBe(false);
  });

  it('refuses a call without keys', async () => {
    const nothing = {} as unknown as AwsCredentialsRequest;
    await expect(checkAwsCredentials(nothing)).rejects.toMatchObject({
      code: 'DNS_CREDENTIALS_NOT_FOUND',
      subject: 'accessKeyId, secretAccessKey',
    });
  });
});
