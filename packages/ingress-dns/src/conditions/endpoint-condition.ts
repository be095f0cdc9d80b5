import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { broken, good, type SeenLink, unknown } from './condition.ts';
import { probedName } from './probed-name.ts';

/** How an endpoint is asked. */
export interface EndpointProbe {
  readonly scheme: 'http' | 'https';
  /** Default: that of the scheme. */
  readonly port?: number | undefined;
}

const ENDPOINT_TIMEOUT_MS = 5000;
const SERVER_ERROR = 500;

/** Asks the endpoint by its name; when the name leads nowhere, by the address that it should have. */
export async function judgeEndpoint(
  name: string,
  addresses: readonly string[],
  fallback: readonly string[],
  { scheme, port }: EndpointProbe,
  { host, signal }: { readonly host: Pick<Host, 'request'>; readonly signal?: AbortSignal | undefined },
): Promise<SeenLink> {
  const url = `${scheme}://${probedName(name)}${port === undefined ? '' : `:${port}`}/`;
  const byName = addresses.length > 0;
  const [address] = byName ? addresses : fallback;
  if (address === undefined) return unknown('endpoint', name, 'nobody knows its address');
  const seen = await host
    .request({ url, address, timeoutMs: ENDPOINT_TIMEOUT_MS, signal })
    .then(({ status }) => ({ status, reason: undefined }))
    .catch((error: unknown) => {
      if (!isRecoveryError(error, 'HOST_CONNECTION_FAILED')) throw error;
      return { status: undefined, reason: error.message };
    });
  const evidence = [`GET ${url} at ${address}: ${seen.status === undefined ? seen.reason : `status ${seen.status}`}`];
  if (seen.status === undefined || seen.status >= SERVER_ERROR) {
    const failure = {
      code: 'DNS_ENDPOINT_DEAD',
      message:
        seen.status === undefined ? 'its endpoint does not answer' : `its endpoint answers with status ${seen.status}`,
      hint: 'look at the ingress controller and the service behind it; DNS is not what is wrong here',
    } as const;
    return broken('endpoint', name, failure, evidence);
  }
  if (byName) return good('endpoint', name, 'its endpoint answers by name', evidence);
  return {
    ...unknown('endpoint', name, 'its endpoint answers by address with the Host header, not by name', evidence),
    status: 'broken',
    code: 'DNS_NAME_UNRESOLVED',
    hint: 'put right what is broken before this link',
  };
}
