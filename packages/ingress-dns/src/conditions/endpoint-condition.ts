import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';
import { probedName } from './dns-session.ts';

/** How an endpoint is probed. */
export interface EndpointProbe {
  readonly scheme: 'http' | 'https';
  /** Default: that of the scheme. */
  readonly port?: number | undefined;
}

const ENDPOINT_TIMEOUT_MS = 5000;
const SERVER_ERROR = 500;

/** Probes the endpoint by name; when the name does not resolve, by the address that it should have. */
export async function judgeEndpoint(
  name: string,
  addresses: readonly string[],
  fallback: readonly string[],
  { scheme, port }: EndpointProbe,
  { host, signal }: { readonly host: Pick<Host, 'request'>; readonly signal?: AbortSignal | undefined },
): Promise<JudgedCondition> {
  const url = `${scheme}://${probedName(name)}${port === undefined ? '' : `:${port}`}/`;
  const byName = addresses.length > 0;
  const [address] = byName ? addresses : fallback;
  if (address === undefined) return unknown('endpoint', name, 'the address of the endpoint is unknown');
  const response = await host
    .request({ url, address, timeoutMs: ENDPOINT_TIMEOUT_MS, signal })
    .then(({ status }) => ({ status, reason: undefined }))
    .catch((error: unknown) => {
      if (!isRecoveryError(error, 'HOST_CONNECTION_FAILED')) throw error;
      return { status: undefined, reason: error.message };
    });
  const evidence = [
    `GET ${url} at ${address}: ${response.status === undefined ? response.reason : `status ${response.status}`}`,
  ];
  if (response.status === undefined || response.status >= SERVER_ERROR) {
    const failure = {
      code: 'DNS_ENDPOINT_DOWN',
      message:
        response.status === undefined
          ? 'the endpoint does not answer'
          : `the endpoint answers with status ${response.status}`,
      hint: 'check the ingress controller and the Service behind it; DNS is fine',
    } as const;
    return broken('endpoint', name, failure, evidence);
  }
  if (byName) return good('endpoint', name, 'the endpoint answers by name', evidence);
  return {
    ...unknown('endpoint', name, 'the endpoint answers by address with the Host header, not by name', evidence),
    status: 'broken',
    code: 'DNS_NAME_UNRESOLVED',
    hint: 'fix the broken conditions listed above',
  };
}
