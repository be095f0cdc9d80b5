import { Resolver } from 'node:dns/promises';
import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  GetHostedZoneCommand,
  ListHostedZonesByNameCommand,
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from '@aws-sdk/client-route-53';
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { requireProgram, startLocalAws } from '@kube-rescue/testing';
import type { AwsKey, LocalAws } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToken } from '../../cert-rotation/src/token-keys/tokens.fixture.ts';
import { AUDIENCE, claims, ISSUER, makeTokenKey, SUBJECT } from './web-identity.fixture.ts';

/** Checks the fake AWS with the real SDK alone. */
describe.skipIf(!requireProgram('knotd'))('the local AWS with the real SDK', () => {
  let aws: LocalAws;
  beforeAll(async () => {
    aws = await startLocalAws();
  });
  afterAll(() => aws.stop());

  const options = (credentials: AwsKey) => ({
    credentials,
    region: 'us-east-1',
    endpoint: aws.endpoint,
    maxAttempts: 1,
  });
  const sts = (key: AwsKey): STSClient => new STSClient(options(key));
  const route53 = (key: AwsKey): Route53Client => new Route53Client(options(key));
  const identityOf = (key: AwsKey) => sts(key).send(new GetCallerIdentityCommand({}));

  it('identifies the signer', async () => {
    const { Account, Arn } = await identityOf(aws.addKey({ user: 'traefik' }));
    expect([Account, Arn]).toEqual(['123456789012', 'arn:aws:iam::123456789012:user/traefik']);
  });

  it('rejects an unknown key, a wrong secret, a missing or wrong token and an expired session as AWS does', async () => {
    const key = aws.addKey();
    const session = aws.addSession();
    const { sessionToken: _token, ...bare } = session;
    const cases: readonly (readonly [AwsKey, string])[] = [
      [{ ...key, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }, 'InvalidClientTokenId'],
      [{ ...key, secretAccessKey: `${key.secretAccessKey}x` }, 'SignatureDoesNotMatch'],
      [bare, 'InvalidClientTokenId'],
      [{ ...session, sessionToken: 'x' }, 'InvalidClientTokenId'],
      [aws.addSession({}, -1000), 'ExpiredToken'],
    ];
    for (const [credentials, name] of cases) await expect(identityOf(credentials)).rejects.toMatchObject({ name });
    await expect(identityOf(session)).resolves.toMatchObject({ Account: '123456789012' });
  });

  it('verifies the signature of paths, queries and bodies', async () => {
    const client = route53(aws.addKey());
    const { id } = await aws.addZone({ name: 'signed.test' });
    await client.send(new ListHostedZonesByNameCommand({ DNSName: 'signed.test.', MaxItems: 1 }));
    const query = { HostedZoneId: id, StartRecordName: '*.signed.test', StartRecordType: 'A', MaxItems: 1 } as const;
    await client.send(new ListResourceRecordSetsCommand(query));
    const wrong = { ...aws.addKey(), secretAccessKey: 'x'.repeat(40) };
    await expect(route53(wrong).send(new ListResourceRecordSetsCommand(query))).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    });
  });

  it('assumes a role with the permission and the external id', async () => {
    const arn = aws.addRole({ name: 'dns', externalId: 'shop', actions: ['route53:ListHostedZones'] });
    const user = sts(aws.addKey({ actions: ['sts:AssumeRole'] }));
    const input = { RoleArn: arn, RoleSessionName: 's' };
    await expect(user.send(new AssumeRoleCommand(input))).rejects.toMatchObject({ name: 'AccessDenied' });
    const { Credentials } = await user.send(new AssumeRoleCommand({ ...input, ExternalId: 'shop' }));
    const key = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
    expect((await identityOf(key)).Arn).toBe('arn:aws:sts::123456789012:assumed-role/dns/s');
    await route53(key).send(new ListHostedZonesCommand({}));
  });

  it('assumes a role with a token, without a signature, as its issuer, keys and conditions allow', async () => {
    const { key, jwk } = makeTokenKey();
    const webIdentity = { issuer: ISSUER, audience: AUDIENCE, subject: SUBJECT, keys: [jwk] };
    const RoleArn = aws.addRole({ name: 'pods', webIdentity });
    const client = new STSClient({ region: 'us-east-1', endpoint: aws.endpoint, maxAttempts: 1 });
    const assume = (WebIdentityToken: string) =>
      client.send(new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: 's', WebIdentityToken }));
    const { Credentials } = await assume(makeToken(key, claims()));
    expect(Credentials?.AccessKeyId).toMatch(/^ASIA/);
    for (const [token, name] of [
      [makeToken(key, claims({ exp: 1 })), 'ExpiredTokenException'],
      [makeToken(key, claims({ iss: 'https://other.test' })), 'InvalidIdentityTokenException'],
      [makeToken(makeTokenKey().key, claims(), jwk.kid), 'InvalidIdentityTokenException'],
      [makeToken(key, claims({ sub: 'system:serviceaccount:a:b' })), 'AccessDenied'],
      ['no token', 'InvalidIdentityTokenException'],
    ] as const) {
      await expect(assume(token), name).rejects.toMatchObject({ name });
    }
  });

  it('allows only the actions of a key', async () => {
    const client = route53(aws.addKey({ actions: ['route53:ListHostedZones'] }));
    await client.send(new ListHostedZonesCommand({}));
    await expect(client.send(new ListHostedZonesByNameCommand({}))).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('lists zones page by page and returns their name servers', async () => {
    const { id, nameServers } = await aws.addZone({ name: 'paged.test' });
    await aws.addZone({ name: 'private.test', isPrivate: true });
    const client = route53(aws.addKey());
    const names: (string | undefined)[] = [];
    let marker: string | undefined;
    do {
      const page = await client.send(new ListHostedZonesCommand({ MaxItems: 1, Marker: marker }));
      names.push(...(page.HostedZones ?? []).map(({ Name }) => Name));
      marker = page.NextMarker;
    } while (marker !== undefined);
    expect(names).toEqual(expect.arrayContaining(['paged.test.', 'private.test.']));
    const zone = await client.send(new GetHostedZoneCommand({ Id: id }));
    expect(zone.DelegationSet?.NameServers).toEqual(nameServers);
  });

  it('creates a record that goes from pending to in sync and resolves in real DNS', async () => {
    const { id } = await aws.addZone({ name: 'shop.test' });
    const client = route53(aws.addKey());
    const record = { Name: 'www.shop.test', Type: 'A' as const, TTL: 60, ResourceRecords: [{ Value: '192.0.2.7' }] };
    const change = (Action: 'CREATE' | 'DELETE') =>
      client.send(
        new ChangeResourceRecordSetsCommand({
          HostedZoneId: id,
          ChangeBatch: { Changes: [{ Action, ResourceRecordSet: record }] },
        }),
      );
    const { ChangeInfo } = await change('CREATE');
    const status = async () => (await client.send(new GetChangeCommand({ Id: ChangeInfo?.Id }))).ChangeInfo?.Status;
    expect([ChangeInfo?.Status, await status(), await status()]).toEqual(['PENDING', 'PENDING', 'INSYNC']);
    const resolver = new Resolver({ timeout: 1000, tries: 2 });
    resolver.setServers([`${aws.resolver.address}:${aws.resolver.port}`]);
    expect(await resolver.resolve4('www.shop.test')).toEqual(['192.0.2.7']);
    await expect(change('CREATE')).rejects.toMatchObject({ name: 'InvalidChangeBatch' });
    await change('DELETE');
    await expect(resolver.resolve4('www.shop.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(change('DELETE')).rejects.toMatchObject({ name: 'InvalidChangeBatch' });
  });

  it('throttles on demand', async () => {
    const client = route53(aws.addKey());
    aws.throttleNext(1);
    await expect(client.send(new ListHostedZonesCommand({}))).rejects.toMatchObject({ name: 'Throttling' });
    await client.send(new ListHostedZonesCommand({}));
  });

  it('rejects a signature from another time', async () => {
    const key = aws.addKey();
    aws.shiftClock(3_600_000);
    try {
      await expect(identityOf(key)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    } finally {
      aws.shiftClock(-3_600_000);
    }
  });
});
