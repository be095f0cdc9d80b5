import { isRecoveryError } from '@kube-rescue/errors';
import { readKubeconfigClient } from '@kube-rescue/node-config';
import { fieldsAt, textAt } from '@kube-rescue/cluster-objects';
import type { NodeDeps, NodeDescription } from '../node-description.ts';

/** The answer of the API server, or why there is no trustworthy answer. */
export type ApiReading =
  | { readonly state: 'answered'; readonly status: number; readonly object: unknown }
  | { readonly state: 'unanswered'; readonly reason: string };

/** GET requests to this node's own API server, as the administrator. */
export interface NodeApi {
  /**
   * Gets one path. An answer counts only when the CA of the administrator's kubeconfig verifies the server, its name and its dates.
   * @param timeoutMs default: 5000
   */
  read(path: string, signal: AbortSignal, timeoutMs?: number): Promise<ApiReading>;
  /**
   * Lists the objects below a path, page by page.
   *
   * @param path may have a query, such as a selector
   * @returns `undefined` when a page could not be read, or the list has no end
   */
  list(path: string, signal: AbortSignal): Promise<readonly unknown[] | undefined>;
}

const REQUEST_TIMEOUT_MS = 5_000;
const PAGE = 200;
/** Bounds of one list: the pods of the largest cluster that Kubernetes supports are 150,000. */
const MOST_PAGES = 2000;
const MOST_ITEMS = 200_000;

export function createNodeApi(describe: () => Promise<NodeDescription>, { host }: NodeDeps): NodeApi {
  const read: NodeApi['read'] = async (path, signal, timeoutMs = REQUEST_TIMEOUT_MS) => {
    const node = await describe();
    const server = node.apiServerUrl;
    if (server === undefined) return { state: 'unanswered', reason: 'no API server is configured on this node' };
    try {
      const { ca, certificate, key } = await readKubeconfigClient(node.adminKubeconfig, { host }, node.adminContext);
      const client = { certificate, key };
      const answer = await host.request({ url: `${server}${path}`, timeoutMs, signal, ca, client });
      if (answer.peer?.trusted !== true) {
        const why = answer.peer?.reason ?? 'none';
        return { state: 'unanswered', reason: `${server} presents an invalid certificate: ${why}` };
      }
      return { state: 'answered', status: answer.status, object: parseJson(answer.body) };
    } catch (error) {
      signal.throwIfAborted();
      if (!isRecoveryError(error)) throw error;
      return { state: 'unanswered', reason: error.message };
    }
  };
  return {
    read,
    list: async (path, signal) => {
      const items: unknown[] = [];
      const tokens = new Set(['']);
      for (let token = ''; ; ) {
        const next = token === '' ? '' : `&continue=${encodeURIComponent(token)}`;
        const reading = await read(`${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${next}`, signal);
        const page = reading.state === 'answered' && reading.status === 200 ? reading.object : undefined;
        const { items: found } = fieldsAt(page);
        if (!Array.isArray(found)) return undefined;
        for (const item of found as readonly unknown[]) items.push(item);
        token = textAt(fieldsAt(page, 'metadata'), 'continue') ?? '';
        if (token === '') return items;
        // A server that continues in a circle, or with empty pages, never ends.
        if (tokens.has(token) || tokens.size >= MOST_PAGES || items.length > MOST_ITEMS) return undefined;
        tokens.add(token);
      }
    },
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
