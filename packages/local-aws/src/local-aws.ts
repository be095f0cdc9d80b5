import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsRefusal } from './aws-refusal.ts';
import type { CachingResolver } from './caching-resolver.ts';
import { type HostedRecord, type HostedZone, HostedZones, type ZoneOptions } from './hosted-zones.ts';
import { type AwsKey, Identities, type KeyOptions, type Principal, type RoleOptions } from './identities.ts';
import { startLocalDns } from './local-dns.ts';
import { answerRoute53, route53Action } from './route53-api.ts';
import { answerSts, answerUnsignedSts, UNSIGNED_ACTION } from './sts-api.ts';
import { renderXml } from './xml.ts';

/** One answered request. */
export interface AwsRequest {
  /** For example `route53:ListHostedZones`. */
  readonly action: string;
  readonly status: number;
  /** The AWS error code, for example `Throttling`. */
  readonly refusal: string | undefined;
}

/**
 * STS and Route 53 of one account over the real wire protocol, and their DNS: authoritative servers for the zones and for
 * their parent `test`, and a resolver.
 */
export interface LocalAws {
  /** For example `http://127.0.0.1:4566`, for both services. */
  readonly endpoint: string;
  /** The port of every authoritative server. */
  readonly dnsPort: number;
  readonly resolver: CachingResolver;
  readonly requests: readonly AwsRequest[];
  addKey(options?: KeyOptions): AwsKey;
  /** Temporary credentials. Default lifetime: one hour; negative: already expired. */
  addSession(options?: KeyOptions, expiresInMs?: number): AwsKey;
  addRole(role: RoleOptions): string;
  /**
   * Creates a hosted zone. The parent delegates a public zone unless `delegated` is false or the name is already
   * delegated.
   */
  addZone(options: ZoneOptions & { readonly delegated?: boolean }): Promise<HostedZone>;
  /** Creates or replaces records by name and type. */
  putRecords(zoneId: string, records: readonly HostedRecord[]): Promise<void>;
  records(zoneId: string): readonly HostedRecord[];
  /** Changes the parent's delegation of a name; name servers without addresses make it lame. */
  delegate(name: string, nameServers: readonly string[]): Promise<void>;
  /** Rejects the next requests to Route 53 with `Throttling`. */
  throttleNext(count: number): void;
  /** Rejects requests to Route 53 above this rate. */
  limitRate(perSecond: number): void;
  /** Moves the server's clock, which it uses for `Date` and for verifying signatures. */
  shiftClock(ms: number): void;
  /** A change is reported as pending this many times. Default: 1. */
  setPendingAnswers(count: number): void;
  stop(): Promise<void>;
}

export interface LocalAwsOptions {
  /** The address of AWS: its services, and the servers of every delegation set. Default: `127.0.0.1`. */
  readonly address?: string;
  /** The address of the servers of the parent domain `test`; it must differ. Default: `127.0.0.2`. */
  readonly parentAddress?: string;
  /** Port of the services. Default: any free port. */
  readonly port?: number;
  /** Port of every authoritative server, free on both addresses. */
  readonly dnsPort: number;
  /** Port of the resolver. Default: any free port. */
  readonly resolverPort?: number;
}

const SECOND_MS = 1000;

/**
 * Starts a local AWS. Needs `knotd` (Debian's package knot) and setpriv(1). Its name servers are killed with this process.
 *
 * Supports only the requests for maintaining DNS records, over plain HTTP.
 */
export async function startLocalAws(input: LocalAwsOptions): Promise<LocalAws> {
  const { address = '127.0.0.1', parentAddress = '127.0.0.2', port = 0, dnsPort, resolverPort = 0 } = input;
  let skewMs = 0;
  const now = (): Date => new Date(Date.now() + skewMs);
  const identities = new Identities(now);
  const zones = new HostedZones();
  const dns = await startLocalDns({ address, parentAddress, port: dnsPort, resolverPort }, zones);
  const requests: AwsRequest[] = [];
  const throttle = createThrottle();
  let pendingAnswers = 1;
  const publish = dns.publish;

  const answer = async (request: IncomingMessage, body: Buffer): Promise<{ action: string; text: string }> => {
    const { method = '', url = '', headers } = request;
    const isSts = method === 'POST' && url === '/';
    const target = new URL(url, 'http://localhost');
    const form = new URLSearchParams(isSts ? body.toString() : '');
    const action = isSts
      ? `sts:${form.get('Action') ?? ''}`
      : `route53:${route53Action(method, target.pathname).action}`;
    try {
      if (action === `sts:${UNSIGNED_ACTION}`) return { action, text: answerUnsignedSts(form, identities) };
      const principal: Principal = identities.authenticate({ method, url, headers, body }, isSts ? 'sts' : 'route53');
      if (isSts) return { action, text: answerSts(form, principal, identities) };
      if (throttle.isOver()) throw new AwsRefusal(400, 'Throttling', 'Rate exceeded');
      const deps = { zones, now, pendingAnswers: () => pendingAnswers, publish };
      return { action, text: await answerRoute53({ method, url: target, body: body.toString(), principal }, deps) };
    } catch (error) {
      throw Object.assign(error as Error, { action });
    }
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    response.sendDate = false;
    response.setHeader('date', now().toUTCString());
    response.setHeader('content-type', 'text/xml');
    const { action, status, refusal, text } = await answer(request, Buffer.concat(chunks)).then(
      (good) => ({ ...good, status: 200, refusal: undefined }),
      (error: unknown) => refuse(error),
    );
    requests.push({ action, status, refusal });
    response.writeHead(status).end(text);
  };
  const server = createServer((request, response) => void handle(request, response)).listen(port, address);
  await once(server, 'listening');

  return {
    endpoint: `http://${address}:${(server.address() as AddressInfo).port}`,
    dnsPort,
    resolver: dns.resolver,
    requests,
    addKey: (options = {}) => identities.addKey(options),
    addSession: (options = {}, expiresInMs) => identities.addSession(options, expiresInMs),
    addRole: (role) => identities.addRole(role),
    addZone: async ({ delegated = true, ...options }) => {
      const zone = zones.add(options);
      await publish();
      if (delegated && !zone.isPrivate) await dns.delegateOnce(zone);
      return zone;
    },
    putRecords: async (zoneId, records) => {
      zones.change(
        zoneId,
        records.map((record) => ({ action: 'UPSERT', record })),
      );
      await publish();
    },
    records: (zoneId) => zones.records(zoneId),
    delegate: dns.delegate,
    throttleNext: throttle.next,
    limitRate: throttle.limit,
    shiftClock: (ms) => {
      skewMs += ms;
    },
    setPendingAnswers: (count) => {
      pendingAnswers = count;
    },
    stop: async () => {
      server.closeAllConnections();
      await Promise.all([dns.stop(), new Promise((resolve) => server.close(resolve))]);
    },
  };
}

function createThrottle(): { next(count: number): void; limit(perSecond: number): void; isOver(): boolean } {
  let refusals = 0;
  let limit = Infinity;
  let recent: readonly number[] = [];
  return {
    next: (count) => {
      refusals = count;
    },
    limit: (perSecond) => {
      limit = perSecond;
    },
    isOver: () => {
      if (refusals > 0) {
        refusals -= 1;
        return true;
      }
      const at = performance.now();
      recent = recent.filter((each) => at - each < SECOND_MS);
      if (recent.length >= limit) return true;
      recent = [...recent, at];
      return false;
    },
  };
}

function refuse(error: unknown): AwsRequest & { readonly text: string } {
  const action = (error as { readonly action?: string }).action ?? 'unknown';
  const { status, code, message } =
    error instanceof AwsRefusal ? error : new AwsRefusal(500, 'InternalFailure', String(error));
  const details = [
    ['Type', 'Sender'],
    ['Code', code],
    ['Message', message],
  ] as const;
  const text = renderXml([
    [
      'ErrorResponse',
      [
        ['Error', details],
        ['RequestId', 'local'],
      ],
    ],
  ]);
  return { action, status, refusal: code, text };
}
