import type { Clock } from '@kube-rescue/host';
import { Readable } from 'node:stream';
import type { Route53ClientConfig } from '@aws-sdk/client-route-53';
import type { AwsCredentials } from '../credentials/aws-credentials.ts';
import type { Environment } from '../credentials/caller-credentials.ts';
import { DEFAULT_REGION, partitionOf, ROUTE_53_REGION } from '../credentials/partition.ts';
import { boundedBody } from './answer-bounds.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** Region, endpoints and proxy of the AWS clients. */
export interface AwsClientConfig {
  /** Default: `us-east-1`; decides the partition. */
  readonly region?: string | undefined;
  /** URLs that replace the default endpoints. */
  readonly endpoints?: { readonly sts?: string | undefined; readonly route53?: string | undefined } | undefined;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in either case. Needs Node 22.21 or 24.5. Default: no proxy. */
  readonly proxy?: Environment | undefined;
}

/** Handles requests of the SDK. */
export type AwsRequestHandler = Exclude<Route53ClientConfig['requestHandler'], undefined>;

/** The configuration of the clients of both services. */
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

/** Statistics of the requests of one account. */
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

/** Reads region, endpoints (`AWS_ENDPOINT_URL*`) and proxy from an environment. */
export function clientConfigFromEnvironment(environment: Environment): AwsClientConfig {
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

/** A complete configuration, so that the SDK reads neither the environment nor its own files. */
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
    // With a custom endpoint, the SDK would sign for the caller's region instead of the Route 53 region.
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

/** Bounds every answer, counts every request, applies the rate limit, and reads the AWS clock from every answer, errors included. */
export function watchWire(stack: unknown, watch: WireWatch, clock: Pick<Clock, 'now'>, limiter?: RateLimiter): void {
  (stack as MiddlewareStack).add(
    (next) => async (args) => {
      await limiter?.take();
      watch.requestCount += 1;
      const result = await next(args);
      const date = headerOf(result.response, 'date');
      const servedAt = Date.parse(date ?? '');
      if (!Number.isNaN(servedAt)) watch.clockAheadMs = servedAt - clock.now().getTime();
      const response = result.response as { body?: unknown };
      if (response.body instanceof Readable) response.body = boundedBody(response.body);
      return result;
    },
    { step: 'deserialize', name: 'watchWire', priority: 'low' },
  );
}

function headerOf(response: unknown, name: string): string | undefined {
  const { headers } = response as { readonly headers?: Readonly<Record<string, string>> };
  return headers?.[name];
}
