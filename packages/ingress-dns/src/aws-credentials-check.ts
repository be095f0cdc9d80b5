import { type Clock, createLocalHost, type Host, systemClock } from '@kube-rescue/host';
import type { AwsRequestHandler, AwsClientConfig } from './aws/client-options.ts';
import type { AssumedRole, AwsCredentials } from './credentials/aws-credentials.ts';
import { namedZones } from './credentials/named-zones.ts';
import { checkIngressDns, type DnsReport } from './dns-check.ts';
import { IngressDnsError } from './errors.ts';

/** A pair of keys, and where to ask about them. */
export interface AwsCredentialsRequest extends AwsCredentials, AwsClientConfig {
  /** Assumed with the keys. Default: none. */
  readonly role?: AssumedRole | undefined;
  /** Hosted zones to judge too, by id: delegation, and the permissions to list and change records. Default: none. */
  readonly zoneIds?: readonly string[] | undefined;
  /** Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
  /** For delegations. Default: this machine. */
  readonly host?: Pick<Host, 'resolveDns' | 'request'> | undefined;
  /** Handles the requests. Default: the network. */
  readonly requestHandler?: AwsRequestHandler | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether AWS accepts a pair of keys, whose they are (`identity`), and which hosted zones they can see (`zones`). Needs no
 * cluster and no name; changes nothing. What is wrong is in `causes`, with a hint; a refusal of AWS is no exception.
 *
 * Reads neither the environment nor files: `findCallerCredentials` does. Does not prove that records may be changed; see
 * `createZoneWriteTest`.
 *
 * @throws IngressDnsError `DNS_CREDENTIALS_NOT_FOUND` when the id or the secret is missing
 */
export async function checkAwsCredentials(request: AwsCredentialsRequest): Promise<DnsReport> {
  const { accessKeyId, secretAccessKey, sessionToken, role, zoneIds = [], region, endpoints, proxy, signal } = request;
  const { clock = systemClock, host = createLocalHost(), requestHandler } = request;
  const absent = [
    typeof accessKeyId === 'string' ? [] : 'accessKeyId',
    typeof secretAccessKey === 'string' ? [] : 'secretAccessKey',
  ].flat();
  if (absent.length > 0) throw notGiven(absent);
  const source = {
    where: 'the given keys',
    keys: { accessKeyId, secretAccessKey, sessionToken },
    roles: role === undefined ? [] : [role],
    zones: namedZones('zoneIds', zoneIds),
  };
  const awsClient = { region, endpoints, proxy };
  return checkIngressDns({ source, names: [], awsClient, signal }, { host, clock, requestHandler });
}

function notGiven(fields: readonly string[]): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_CREDENTIALS_NOT_FOUND',
    message: 'an access key id and its secret access key are needed',
    subject: fields.join(', '),
    hint: 'give both as texts',
  });
}
