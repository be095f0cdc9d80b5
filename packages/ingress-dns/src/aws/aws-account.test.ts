import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describeError } from '@kube-rescue/errors';
import { systemClock } from '@kube-rescue/host';
import { expectCode, requireProgram, startLocalAws } from '@kube-rescue/testing';
import type { LocalAws } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openAwsAccount } from './aws-account.ts';
import type { AwsRequestHandler, AwsClientConfig } from './client-options.ts';
import { clientConfigFromEnvironment } from './client-options.ts';

const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

interface Captured {
  readonly hostname: string;
  readonly protocol: string;
  readonly authorization: string;
}

/** Captures requests instead of sending them. */
function capture(requests: Captured[]): AwsRequestHandler {
  return {
    handle: async (request: { hostname: string; protocol: string; headers: Record<string, string> }) => {
      requests.push({ ...request, authorization: request.headers['authorization'] ?? '' });
      throw Object.assign(new Error('not sent'), { code: 'EPERM' });
    },
  };
}

describe('an AWS partition', () => {
  it.each([
    ['eu-west-1', 'sts.eu-west-1.amazonaws.com', 'eu-west-1', 'route53.amazonaws.com', 'us-east-1'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn', 'cn-north-1', 'route53.amazonaws.com.cn', 'cn-northwest-1'],
    [
      'us-gov-east-1',
      'sts.us-gov-east-1.amazonaws.com',
      'us-gov-east-1',
      'route53.us-gov.amazonaws.com',
      'us-gov-west-1',
    ],
  ])('has its own endpoints and signing regions: %s', async (region, sts, stsRegion, route53, route53Region) => {
    const requests: Captured[] = [];
    const account = openAwsAccount({ region }, KEYS, { clock: systemClock, requestHandler: capture(requests) });
    await expectCode(account.callerIdentity(), 'DNS_AWS_UNREACHABLE');
    await expectCode(account.listZones(), 'DNS_AWS_UNREACHABLE');
    const regions = new Map(requests.map(({ hostname, authorization }) => [hostname, authorization.split('/')[2]]));
    expect([...regions]).toEqual([
      [sts, stsRegion],
      [route53, route53Region],
    ]);
    expect(requests.every(({ protocol }) => protocol === 'https:')).toBe(true);
  });
});

describe('an account without configuration', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('does not read the environment of the process', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('AWS_PROFILE', 'none');
    const requests: Captured[] = [];
    const account = openAwsAccount({}, KEYS, { clock: systemClock, requestHandler: capture(requests) });
    await expectCode(account.callerIdentity(), 'DNS_AWS_UNREACHABLE');
    expect(requests[0]?.hostname).toBe('sts.us-east-1.amazonaws.com');
  });
});

describe('the client configuration from an environment', () => {
  it('has region, endpoints and proxy', () => {
    const environment = {
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: 'http://a',
      AWS_ENDPOINT_URL_STS: 'http://b',
      HTTPS_PROXY: 'http://p',
      NO_PROXY: 'x',
      SHELL: '/bin/sh',
    };
    expect(clientConfigFromEnvironment(environment)).toEqual({
      region: 'eu-west-1',
      endpoints: { sts: 'http://b', route53: 'http://a' },
      proxy: { HTTPS_PROXY: 'http://p', NO_PROXY: 'x' },
    });
    expect(
      clientConfigFromEnvironment({ ...environment, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }).endpoints,
    ).toBeUndefined();
    expect(clientConfigFromEnvironment({})).toEqual({
      region: undefined,
      endpoints: { sts: undefined, route53: undefined },
      proxy: undefined,
    });
  });
});

describe.skipIf(!requireProgram('knotd'))('an account', () => {
  let aws: LocalAws;
  beforeEach(async () => {
    aws = await startLocalAws();
  });
  afterEach(() => aws.stop());
  const open = (keys = aws.addKey(), awsClient: AwsClientConfig = {}) =>
    openAwsAccount({ endpoints: { sts: aws.endpoint, route53: aws.endpoint }, ...awsClient }, keys, {
      clock: systemClock,
    });

  it('limits concurrent requests to the rate of Route 53', async () => {
    aws.limitRate(5);
    const account = open();
    await Promise.all(Array.from({ length: 10 }, () => account.listZones()));
    expect(aws.requests.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(account.requestCount).toBe(10);
    account.close();
  });

  it('retries throttled requests', async () => {
    aws.throttleNext(2);
    const account = open();
    expect(await account.listZones()).toEqual([]);
    expect(account.requestCount).toBe(3);
    account.close();
  });

  it('lists all pages of zones and records', async () => {
    const names = Array.from({ length: 103 }, (_, index) => `z${index}.test`);
    for (const name of names.slice(0, -1)) await aws.addZone({ name, isPrivate: true });
    const { id } = await aws.addZone({ name: names.at(-1) ?? '' });
    await aws.putRecords(
      id,
      Array.from({ length: 310 }, (_, index) => ({
        name: `r${index}.z102.test`,
        type: 'A',
        ttl: 60,
        values: ['192.0.2.1'],
      })),
    );
    const account = open();
    expect((await account.listZones()).map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    expect(await account.listRecords(id)).toHaveLength(312);
    account.close();
  });

  it('creates records and reports when they are in sync', async () => {
    const { id } = await aws.addZone({ name: 'shop.test' });
    const account = open();
    const record = { name: '*.shop.test', type: 'TXT', ttl: 60, values: ['"a & <b>"'] };
    const change = await account.changeRecords(id, [{ action: 'CREATE', record }]);
    expect([await account.isInSync(change), await account.isInSync(change)]).toEqual([false, true]);
    expect(await account.listRecords(id)).toContainEqual({ ...record, aliasTarget: undefined });
    await expectCode(account.changeRecords(id, [{ action: 'CREATE', record }]), 'DNS_CHANGE_INVALID');
    await expectCode(account.listRecords('ZNONE'), 'DNS_ZONE_MISSING');
    account.close();
  });

  it('reports the denied action and the smallest policy that allows it', async () => {
    const account = open(aws.addKey({ actions: ['route53:ListHostedZones'] }));
    const { hint } = await expectCode(account.listRecords('Z1'), 'DNS_ACCESS_DENIED');
    expect(hint).toContain(
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["route53:ListResourceRecordSets"]',
    );
    account.close();
  });

  it('drops the text of the SDK error, which may contain the request', async () => {
    const session = aws.addSession({}, -1000);
    const account = open(session);
    const failure = await expectCode(account.callerIdentity(), 'DNS_SESSION_EXPIRED');
    expect(failure.cause).toBeUndefined();
    const text = describeError(failure) + JSON.stringify(failure) + failure.stack;
    for (const secret of [session.secretAccessKey, session.sessionToken ?? '', session.accessKeyId]) {
      expect(text).not.toContain(secret);
    }
    account.close();
  });

  it('uses a proxy, except for hosts in NO_PROXY', async () => {
    const targets: string[] = [];
    const proxy = createServer((request, response) => {
      targets.push(request.url ?? '');
      const upstream = connect(Number(new URL(aws.endpoint).port), '127.0.0.1');
      const { pathname, search } = new URL(request.url ?? '');
      const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      upstream.write(`${request.method} ${pathname}${search} HTTP/1.0\r\n${headers.join('')}\r\n`);
      request.pipe(upstream);
      if (response.socket !== null) upstream.pipe(response.socket);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const through = open(aws.addKey(), { proxy: { HTTP_PROXY: url } });
    expect((await through.callerIdentity()).account).toBe('123456789012');
    expect(targets).toEqual([`${aws.endpoint}/`]);
    const past = open(aws.addKey(), { proxy: { HTTP_PROXY: url, NO_PROXY: '127.0.0.1' } });
    await past.callerIdentity();
    expect(targets).toHaveLength(1);
    through.close();
    past.close();
    proxy.closeAllConnections();
    proxy.close();
  });

  it('reports a proxy that blocks the connection', async () => {
    const proxy = createServer();
    proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const account = openAwsAccount({ proxy: { HTTPS_PROXY: url } }, KEYS, { clock: systemClock });
    await expectCode(account.callerIdentity(), 'DNS_PROXY_FAILED');
    account.close();
    proxy.close();
  });
});
