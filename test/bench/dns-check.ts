import { createLocalHost, systemClock } from '@kube-rescue/host';
import { checkIngressDns } from '@kube-rescue/ingress-dns';
import { startLocalAws } from '@kube-rescue/testing';
import type { AwsKey, LocalAws } from '@kube-rescue/local-aws';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { lookUpPerName } from '../../packages/ingress-dns/src/per-name-lookup.fixture.ts';
import type { BenchResult } from './bench.ts';

const ZONES = 20;
const NAMES_IN_ZONE = 10;
/** The quota of an account ("Quotas", Route 53 developer guide). */
const ROUTE_53_PER_SECOND = 5;
const TARGET_RATIO = 0.5;

interface Cost {
  readonly requests: number;
  readonly refused: number;
  readonly seconds: number;
}

/** Every condition of 200 names in 20 zones, against a script that reads only their zones and records. */
export async function run(): Promise<BenchResult> {
  const aws = await startLocalAws();
  const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const names = await plant(aws);
    aws.limitRate(ROUTE_53_PER_SECOND);
    const key = aws.addKey();
    const ours = await measure(aws, () => checkAll(names, key, (server.address() as AddressInfo).port, aws));
    if (ours.refused > 0) throw new Error(`${ours.refused} requests exceeded the rate limit of Route 53`);
    await systemClock.sleep(1000);
    const naive = await measure(aws, async () => (await lookUpPerName(names, key, aws.endpoint)).length === 0);
    const what = `${names.length} names in ${ZONES} zones, ${ROUTE_53_PER_SECOND} requests a second allowed`;
    const peerName = 'the SDK, one name after the other, zone and record only';
    return {
      name: 'dns-check',
      rows: [
        {
          what: `${what}: requests`,
          peerName,
          ours: ours.requests,
          peer: naive.requests,
          unit: 'requests',
          target: TARGET_RATIO,
        },
        { what, peerName, ours: ours.seconds, peer: naive.seconds, unit: 's', target: TARGET_RATIO },
      ],
    };
  } finally {
    server.closeAllConnections();
    server.close();
    await aws.stop();
  }
}

async function plant(aws: LocalAws): Promise<readonly string[]> {
  const names: string[] = [];
  for (let zone = 0; zone < ZONES; zone += 1) {
    const { id, name } = await aws.addZone({ name: `zone${zone}.test` });
    const own = Array.from({ length: NAMES_IN_ZONE }, (_, index) => `shop${index}.${name}`);
    await aws.putRecords(
      id,
      own.map((each) => ({ name: each, type: 'A', ttl: 60, values: ['127.0.0.1'] })),
    );
    names.push(...own);
  }
  return names;
}

async function checkAll(names: readonly string[], keys: AwsKey, port: number, aws: LocalAws): Promise<boolean> {
  const { healthy } = await checkIngressDns(
    {
      source: { where: 'the benchmark', keys, roles: [] },
      names: names.map((name) => ({ name, targets: ['127.0.0.1'], origin: 'the benchmark' })),
      awsClient: { endpoints: { sts: aws.endpoint, route53: aws.endpoint } },
      dns: { resolvers: [aws.resolver], port: aws.dnsPort },
      endpoint: { scheme: 'http', port },
    },
    { host: createLocalHost(), clock: systemClock },
  );
  return healthy;
}

async function measure(aws: LocalAws, work: () => Promise<boolean>): Promise<Cost> {
  const before = aws.requests.length;
  const startedAt = performance.now();
  if (!(await work())) throw new Error('healthy names were reported as broken');
  const made = aws.requests.slice(before);
  const seconds = (performance.now() - startedAt) / 1000;
  return { requests: made.length, refused: made.filter(({ refusal }) => refusal === 'Throttling').length, seconds };
}
