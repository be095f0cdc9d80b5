import { isRecoveryError } from '@kube-rescue/errors';
import { readKubeconfigClient } from '@kube-rescue/node-config';
import { fieldsAt, textAt } from '@kube-rescue/cluster-objects';
import { type NodeDeps, type NodeDescription } from '../node-description.ts';

/** What the API server said, or why nothing was heard that can be believed. */
export type ApiReading =
  | { readonly state: 'answered'; readonly status: number; readonly object: unknown }
  | { readonly state: 'silent'; readonly reason: string };

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Gets one path from this node's own API server as the administrator. An answer counts only when the CA of `admin.conf`
 * vouches for the server, its name and its dates.
 */
export async function readApi(
  path: string,
  node: NodeDescription,
  { host }: NodeDeps,
  signal: AbortSignal,
  timeoutMs: number = REQUEST_TIMEOUT_MS,
): Promise<ApiReading> {
  const server = node.apiServerUrl;
  if (server === undefined) return { state: 'silent', reason: 'no API server is configured on this node' };
  try {
    const { ca, certificate, key } = await readKubeconfigClient(node.adminKubeconfig, { host });
    const client = { certificate, key };
    const answer = await host.request({ url: `${server}${path}`, timeoutMs, signal, ca, client });
    if (answer.peer?.trusted !== true) {
      return {
        state: 'silent',
        reason: `${server} presents a certificate that is not good: ${answer.peer?.reason ?? 'none'}`,
      };
    }
    return { state: 'answered', status: answer.status, object: parseJson(answer.body) };
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return { state: 'silent', reason: error.message };
  }
}

const PAGE = 200;

/**
 * Lists the objects below a path of the API, page by page, as the administrator.
 *
 * @param path with a query already when there is a selector
 * @returns `undefined` when a page could not be read
 */
export async function listApi(
  path: string,
  node: NodeDescription,
  deps: NodeDeps,
  signal: AbortSignal,
): Promise<readonly unknown[] | undefined> {
  const items: unknown[] = [];
  let token = '';
  do {
    const next = token === '' ? '' : `&continue=${encodeURIComponent(token)}`;
    const reading = await readApi(`${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${next}`, node, deps, signal);
    const page = reading.state === 'answered' && reading.status === 200 ? reading.object : undefined;
    const { items: found } = fieldsAt(page);
    if (!Array.isArray(found)) return undefined;
    items.push(...(found as readonly unknown[]));
    token = textAt(fieldsAt(page, 'metadata'), 'continue') ?? '';
  } while (token !== '');
  return items;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
