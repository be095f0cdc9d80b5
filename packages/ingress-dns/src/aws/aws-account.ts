import type { Clock } from '@kube-rescue/host';
import type * as Route53 from '@aws-sdk/client-route-53';
import type * as Sts from '@aws-sdk/client-sts';
import type { AssumedRole, AwsCredentials } from '../credentials/aws-credentials.ts';
import { DEFAULT_REGION, type Partition, partitionOf } from '../credentials/partition.ts';
import { awsFailure } from './aws-failure.ts';
import {
  type AwsRequestHandler,
  type AwsClientConfig,
  clientOptions,
  type WireWatch,
  watchWire,
} from './client-options.ts';
import { MAX_RECORD_PAGES, MAX_ZONE_PAGES, PageMeter } from './answer-bounds.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { type DnsRecordSet, fromRoute53, toRoute53 } from './record-set.ts';

/** The identity of the credentials. */
export interface CallerIdentity {
  readonly account: string;
  readonly arn: string;
}

export interface HostedZone {
  readonly id: string;
  /** Without its last dot. */
  readonly name: string;
  readonly isPrivate: boolean;
}

export interface RecordChange {
  readonly action: 'CREATE' | 'DELETE' | 'UPSERT';
  readonly record: DnsRecordSet;
}

export interface AwsAccountDeps {
  readonly clock: Clock;
  /** Handles the requests. Default: the network. */
  readonly requestHandler?: AwsRequestHandler | undefined;
}

/**
 * STS and Route 53 with one pair of keys. Every method fails with an `IngressDnsError` that explains the AWS error;
 * throttled requests are retried first. Sends at most four requests a second to Route 53.
 */
export interface AwsAccount {
  readonly partition: Partition;
  callerIdentity(signal?: AbortSignal): Promise<CallerIdentity>;
  assumeRole(role: AssumedRole, signal?: AbortSignal): Promise<AwsCredentials>;
  /** Every zone of the account. */
  listZones(signal?: AbortSignal): Promise<readonly HostedZone[]>;
  /** The zones of exactly this name. */
  listZonesByName(name: string, signal?: AbortSignal): Promise<readonly HostedZone[]>;
  listRecords(zoneId: string, signal?: AbortSignal): Promise<readonly DnsRecordSet[]>;
  /** @returns the id of the change, for `isInSync` */
  changeRecords(zoneId: string, changes: readonly RecordChange[], signal?: AbortSignal): Promise<string>;
  /** Whether a change has reached all name servers of Route 53. */
  isInSync(changeId: string, signal?: AbortSignal): Promise<boolean>;
  /** How far the AWS clock is ahead of the local clock, by the latest answer; `undefined` before the first. */
  readonly clockAheadMs: number | undefined;
  /** Number of requests so far, throttled ones included. */
  readonly requestCount: number;
  close(): void;
}

/** Route 53 allows five requests a second for a whole account ("Quotas", Route 53 developer guide); one is left for others. */
const ROUTE_53_PER_SECOND = 4;
const SESSION_NAME = 'kube-rescue';
const CHANGE_COMMENT = 'kube-rescue';

/** Opens an account; connects, and loads the AWS SDK, with the first request. */
export function openAwsAccount(awsClient: AwsClientConfig, keys: AwsCredentials, deps: AwsAccountDeps): AwsAccount {
  return new SdkAccount(awsClient, keys, deps);
}

class SdkAccount implements AwsAccount {
  readonly #config: AwsClientConfig;
  readonly #keys: AwsCredentials;
  readonly #deps: AwsAccountDeps;
  readonly #watch: WireWatch;
  #sts: Promise<{ sdk: typeof Sts; client: Sts.STSClient }> | undefined;
  #route53: Promise<{ sdk: typeof Route53; client: Route53.Route53Client }> | undefined;
  #isClosed = false;

  constructor(awsClient: AwsClientConfig, keys: AwsCredentials, deps: AwsAccountDeps) {
    this.#config = awsClient;
    this.#keys = keys;
    this.#deps = deps;
    this.#watch = { requestCount: 0, clockAheadMs: undefined };
  }

  get partition(): Partition {
    return partitionOf(this.#config.region ?? DEFAULT_REGION);
  }

  get clockAheadMs(): number | undefined {
    return this.#watch.clockAheadMs;
  }

  get requestCount(): number {
    return this.#watch.requestCount;
  }

  async callerIdentity(signal?: AbortSignal): Promise<CallerIdentity> {
    return this.#call('sts:GetCallerIdentity', this.#keyName(), async () => {
      const { sdk, client } = await this.#openSts();
      const { Account = '', Arn = '' } = await client.send(new sdk.GetCallerIdentityCommand({}), abortable(signal));
      return { account: Account, arn: Arn };
    });
  }

  async assumeRole({ arn, externalId }: AssumedRole, signal?: AbortSignal): Promise<AwsCredentials> {
    return this.#call('sts:AssumeRole', arn, async () => {
      const { sdk, client } = await this.#openSts();
      const command = new sdk.AssumeRoleCommand({
        RoleArn: arn,
        RoleSessionName: SESSION_NAME,
        ExternalId: externalId,
      });
      const { Credentials } = await client.send(command, abortable(signal));
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken } = Credentials ?? {};
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    });
  }

  async listZones(signal?: AbortSignal): Promise<readonly HostedZone[]> {
    return this.#call('route53:ListHostedZones', 'all hosted zones', async () => {
      const { sdk, client } = await this.#openRoute53();
      const zones: HostedZone[] = [];
      const pages = new PageMeter(MAX_ZONE_PAGES);
      let marker: string | undefined;
      do {
        const page = await client.send(new sdk.ListHostedZonesCommand({ Marker: marker }), abortable(signal));
        zones.push(...(page.HostedZones ?? []).map(zoneOf));
        marker = page.IsTruncated === true ? page.NextMarker : undefined;
        if (page.IsTruncated === true) pages.follow([marker]);
      } while (marker !== undefined);
      return zones;
    });
  }

  async listZonesByName(name: string, signal?: AbortSignal): Promise<readonly HostedZone[]> {
    return this.#call('route53:ListHostedZonesByName', name, async () => {
      const { sdk, client } = await this.#openRoute53();
      const { HostedZones = [] } = await client.send(
        new sdk.ListHostedZonesByNameCommand({ DNSName: name }),
        abortable(signal),
      );
      return HostedZones.map(zoneOf).filter((zone) => zone.name === name);
    });
  }

  async listRecords(zoneId: string, signal?: AbortSignal): Promise<readonly DnsRecordSet[]> {
    return this.#call('route53:ListResourceRecordSets', zoneId, async () => {
      const { sdk, client } = await this.#openRoute53();
      const records: DnsRecordSet[] = [];
      const pages = new PageMeter(MAX_RECORD_PAGES);
      let next: Partial<Route53.ListResourceRecordSetsCommandInput> | undefined = {};
      while (next !== undefined) {
        const command: Route53.ListResourceRecordSetsCommand = new sdk.ListResourceRecordSetsCommand({
          HostedZoneId: zoneId,
          ...next,
        });
        const page: Route53.ListResourceRecordSetsCommandOutput = await client.send(command, abortable(signal));
        records.push(...(page.ResourceRecordSets ?? []).map(fromRoute53));
        const { NextRecordName, NextRecordType, NextRecordIdentifier } = page;
        if (page.IsTruncated === true) pages.follow([NextRecordName, NextRecordType, NextRecordIdentifier]);
        next =
          page.IsTruncated === true
            ? {
                StartRecordName: NextRecordName,
                StartRecordType: NextRecordType,
                StartRecordIdentifier: NextRecordIdentifier,
              }
            : undefined;
      }
      return records;
    });
  }

  async changeRecords(zoneId: string, changes: readonly RecordChange[], signal?: AbortSignal): Promise<string> {
    return this.#call('route53:ChangeResourceRecordSets', zoneId, async () => {
      const { sdk, client } = await this.#openRoute53();
      const command = new sdk.ChangeResourceRecordSetsCommand({
        HostedZoneId: zoneId,
        ChangeBatch: {
          Comment: CHANGE_COMMENT,
          Changes: changes.map(({ action, record }) => ({ Action: action, ResourceRecordSet: toRoute53(record) })),
        },
      });
      const { ChangeInfo } = await client.send(command, abortable(signal));
      return ChangeInfo?.Id ?? '';
    });
  }

  async isInSync(changeId: string, signal?: AbortSignal): Promise<boolean> {
    return this.#call('route53:GetChange', changeId, async () => {
      const { sdk, client } = await this.#openRoute53();
      const { ChangeInfo } = await client.send(new sdk.GetChangeCommand({ Id: changeId }), abortable(signal));
      return ChangeInfo?.Status === 'INSYNC';
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const opened of [this.#sts, this.#route53]) void opened?.then(({ client }) => client.destroy());
  }

  async #call<T>(action: string, subject: string, make: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error('the account is closed');
    try {
      return await make();
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      throw awsFailure(error, { action, subject, partition: this.partition });
    }
  }

  #keyName(): string {
    return `key ${this.#keys.accessKeyId.slice(0, 4)}…${this.#keys.accessKeyId.slice(-4)}`;
  }

  #openSts(): Promise<{ sdk: typeof Sts; client: Sts.STSClient }> {
    this.#sts ??= import('@aws-sdk/client-sts').then((sdk) => {
      const client = new sdk.STSClient(clientOptions('sts', this.#config, this.#keys, this.#deps.requestHandler));
      watchWire(client.middlewareStack, this.#watch, this.#deps.clock);
      return { sdk, client };
    });
    return this.#sts;
  }

  #openRoute53(): Promise<{ sdk: typeof Route53; client: Route53.Route53Client }> {
    this.#route53 ??= import('@aws-sdk/client-route-53').then((sdk) => {
      const client = new sdk.Route53Client(
        clientOptions('route53', this.#config, this.#keys, this.#deps.requestHandler),
      );
      const limiter = createRateLimiter(ROUTE_53_PER_SECOND, this.#deps.clock);
      watchWire(client.middlewareStack, this.#watch, this.#deps.clock, limiter);
      return { sdk, client };
    });
    return this.#route53;
  }
}

function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

function zoneOf({ Id = '', Name = '', Config }: Route53.HostedZone): HostedZone {
  return {
    id: Id.replace('/hostedzone/', ''),
    name: Name.replace(/\.$/, '').toLowerCase(),
    isPrivate: Config?.PrivateZone === true,
  };
}
