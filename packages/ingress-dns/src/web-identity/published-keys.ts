import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { type Fields, isRecord, listAt, textAt } from '@kube-rescue/cluster-objects';

/** The keys that AWS finds for an issuer, or why none was read. */
export type PublishedKeys =
  | { readonly at: string; readonly keyIds: readonly string[] }
  | { readonly at: string; readonly failure: string };

const DISCOVERY = '/.well-known/openid-configuration';
const TIMEOUT_MS = 10_000;
const OK = 200;

/**
 * Reads the IDs of the keys that an issuer publishes, as AWS does: its discovery document, then the key set that this names
 * (OpenID Connect Discovery 1.0, sections 4 and 4.3; RFC 7517). Does not verify the server's certificate and uses no proxy: the
 * answer explains a failure, and AWS alone decides.
 */
export async function readPublishedKeys(
  issuer: string,
  { host, signal }: { readonly host: Pick<Host, 'request'>; readonly signal?: AbortSignal | undefined },
): Promise<PublishedKeys> {
  const discovery = `${issuer.replace(/\/$/, '')}${DISCOVERY}`;
  const found = await readJson(discovery, host, signal);
  if (typeof found === 'string') return { at: discovery, failure: found };
  const named = textAt(found, 'issuer') ?? '';
  if (named !== issuer) return { at: discovery, failure: `it names another issuer: ${shorten(named)}` };
  const at = textAt(found, 'jwks_uri') ?? '';
  if (!/^https:\/\//i.test(at)) return { at: discovery, failure: 'its jwks_uri is not an https URL' };
  const keySet = await readJson(at, host, signal);
  if (typeof keySet === 'string') return { at, failure: keySet };
  return { at, keyIds: listAt(keySet, 'keys').flatMap((key) => textAt(key, 'kid') ?? []) };
}

/** @returns a sentence where it fails */
async function readJson(
  url: string,
  host: Pick<Host, 'request'>,
  signal: AbortSignal | undefined,
): Promise<Fields | string> {
  try {
    const { status, body } = await host.request({ url, timeoutMs: TIMEOUT_MS, signal });
    if (status !== OK) return `the server answers with status ${status}`;
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) ? parsed : 'the answer is not a JSON object';
  } catch (error) {
    if (error instanceof SyntaxError) return 'the answer is not JSON';
    if (!isRecoveryError(error)) throw error;
    return describeError(error);
  }
}

function shorten(text: string): string {
  const MOST = 100;
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
