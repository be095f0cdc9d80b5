import type { Clock } from '@kube-rescue/host';
import type { Route53ClientConfig } from '@aws-sdk/client-route-53';
import type { AwsCredentials } from '../credentials/aws-credentials.ts';
import type { Environment } from '../credentials/caller-credentials.ts';
import { DEFAULT_REGION, partitionOf, ROUTE_53_REGION } from '../credentials/partition.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** How to get to AWS. */
export interface AwsClientConfig {
  /** Default: `us-east-1`; decides the partition. */
  readonly region?: string | undefined;
  /** URLs in the place of the usual ones. */
  readonly endpoints?: { readonly sts?: string | undefined; readonly route53?: string | undefined } | undefined;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in either case. Needs Node 22.21 or 24.5. Default: no proxy. */
  readonly proxy?: Environment | undefined;
}

/** What takes a request of the SDK and answers it. */
export type AwsRequestHandler = Exclude<Route53ClientConfig['requestHandler'], undefined>;

/** What the clients of both services are told. */
type CommonConfig = Pick<
  Route53ClientConfig,
  | 'defaultsMode'
  | 'endpoint'
  | 'ignoreConfiguredEndpointUrls'
  | 'maxAttempts'
  | 'region'
  | 'requestHandler'
  | 'retryMode'
  | 'useDualstackEndpoint'
  | 'useFipsEndpoint'
  | 'userAgentAppId'
> & { readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } };

/** What was seen on the wire. */
export interface WireWatch {
  requestCount: number;
  clockAheadMs: number | undefined;
}

const ATTEMPTS = 4;
const CONNECT_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 15_000;
const PROXY_VARIABLES: readonly string[] = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

/** The way to AWS that an environment describes: region, endpoints (`AWS_ENDPOINT_URL*`), proxy. */
export function credentialsFromEnvironment(environment: Environment): AwsClientConfig {
  const isIgnored = environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true';
  const general = environment['AWS_ENDPOINT_URL'];
  const proxy = Object.fromEntries(
    PROXY_VARIABLES.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]] as const])),
  );
  return {
    region: environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'],
    endpoints: isIgnored
      ? undefined
      : {
          sts: environment['AWS_ENDPOINT_URL_STS'] ?? general,
          route53: environment['AWS_ENDPOINT_URL_ROUTE_53'] ?? general,
        },
    proxy: Object.keys(proxy).length === 0 ? undefined : proxy,
  };
}

/** Everything is said here, so that the SDK takes nothing from the environment or from files of its own. */
export function clientOptions(
  service: 'sts' | 'route53',
  { region = DEFAULT_REGION, endpoints, proxy }: AwsClientConfig,
  keys: AwsCredentials,
  requestHandler: AwsRequestHandler | undefined,
): CommonConfig {
  const endpoint = endpoints?.[service];
  const agent = proxy === undefined ? {} : { proxyEnv: proxy };
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  return {
    // With an endpoint of its own, the SDK would sign for the caller's region instead of Route 53's.
    region: service === 'route53' ? ROUTE_53_REGION[partitionOf(region)] : region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    ...(endpoint === undefined ? {} : { endpoint }),
    ignoreConfiguredEndpointUrls: true,
    userAgentAppId: 'kube-rescue',
    maxAttempts: ATTEMPTS,
    retryMode: 'standard',
    defaultsMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    requestHandler: requestHandler ?? {
      httpAgent: { ...agent, keepAlive: true },
      httpsAgent: { ...agent, keepAlive: true },
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  };
}

/** The part of the SDK's middleware stack that is used here. */
interface MiddlewareStack {
  add(
    middleware: (
      next: (args: { request: unknown }) => Promise<{ response: unknown }>,
    ) => (args: { request: unknown }) => Promise<{ response: unknown }>,
    options: { readonly step: 'deserialize'; readonly name: string; readonly priority: 'low' },
  ): void;
}

/** Counts every request that goes out, keeps to the pace, and reads AWS's clock from every answer, also from refusals. */
export function watchWire(stack: unknown, watch: WireWatch, clock: Pick<Clock, 'now'>, pace?: RateLimiter): void {
  (stack as MiddlewareStack).add(
    (next) => async (args) => {
      await pace?.take();
      watch.requestCount += 1;
      const result = await next(args);
      const date = headerOf(result.response, 'date');
      const servedAt = Date.parse(date ?? '');
      if (!Number.isNaN(servedAt)) watch.clockAheadMs = servedAt - clock.now().getTime();
      return result;
    },
    { step: 'deserialize', name: 'watchWire', priority: 'low' },
  );
}

function headerOf(response: unknown, name: string): string | undefined {
  const { headers } = response as { readonly headers?: Readonly<Record<string, string>> };
  return headers?.[name];
}
