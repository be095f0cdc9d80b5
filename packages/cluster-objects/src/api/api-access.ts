import type * as ClientNode from '@kubernetes/client-node';
import { ObjectError } from '../errors.ts';
import { connectThrough, type Dial } from './api-dialer.ts';

/** How to reach an API server; its certificate is always verified in full. */
export type ApiServerAccess =
  | {
      /** For example `https://10.0.0.11:6443`. */
      readonly server: string;
      /** PEM CA certificates trusted for the server; no others are. */
      readonly ca: string;
      /** PEM client certificate and key. */
      readonly client: { readonly certificate: string; readonly key: string };
    }
  /** The text of a kubeconfig with embedded certificates and keys: no file paths, no programs to run. */
  | { readonly kubeconfig: string };

/**
 * A hanging API server accepts connections and does not answer. Undici's default is twice as long, and an abandoned
 * connection keeps the process alive until then.
 */
const CONNECT_TIMEOUT_MS = 5000;

/** Authentication of requests; created once, so that connections are reused. */
export interface Authentication {
  readonly server: string;
  apply(request: ClientNode.RequestContext): Promise<void>;
  close(): Promise<void>;
}

/**
 * Loads a strict client configuration: no files, no programs, no environment variables.
 * @throws ObjectError `OBJECT_CREDENTIALS_INVALID`
 */
export async function authenticate(
  access: ApiServerAccess,
  client: typeof ClientNode,
  dial?: Dial,
): Promise<Authentication> {
  const config = strictConfig(client, dial);
  try {
    if ('kubeconfig' in access) config.loadFromString(access.kubeconfig);
    else config.loadFromOptions(optionsOf(access));
  } catch (error) {
    // The parser's message quotes lines of the kubeconfig.
    throw invalid(`cannot read the kubeconfig:  ${error instanceof Error ? error.name : 'malformed'}`, 'kubeconfig');
  }
  const server = assertSelfContained(config);
  const first = new client.RequestContext(server, client.HttpMethod.GET);
  try {
    await config.applySecurityAuthentication(first);
  } catch {
    throw invalid('the certificate, key or CA is invalid', server);
  }
  const dispatcher = first.getDispatcher();
  return {
    server,
    apply: async (request) => {
      for (const [name, value] of Object.entries(first.getHeaders())) request.setHeaderParam(name, value);
      if (dispatcher !== undefined) request.setDispatcher(dispatcher);
    },
    close: async () => dispatcher?.destroy(),
  };
}

function strictConfig(client: typeof ClientNode, dial: Dial | undefined): ClientNode.KubeConfig {
  class StrictConfig extends client.KubeConfig {
    // Without this, NODE_TLS_REJECT_UNAUTHORIZED=0 would disable TLS verification.
    override createDispatcherOptions(
      ...[cluster, options]: Parameters<ClientNode.KubeConfig['createDispatcherOptions']>
    ): ReturnType<ClientNode.KubeConfig['createDispatcherOptions']> {
      const made = super.createDispatcherOptions(cluster, { ...options, rejectUnauthorized: true });
      if (dial === undefined) {
        return made.type === 'agent' ? { ...made, connect: { ...made.connect, timeout: CONNECT_TIMEOUT_MS } } : made;
      }
      if (made.type !== 'agent') throw new Error('a proxy would connect by itself');
      // undici takes a function as well, which the types of the client do not list.
      const connect = connectThrough(dial, made.connect, CONNECT_TIMEOUT_MS);
      return { type: 'agent', connect: connect as unknown as typeof made.connect };
    }
  }
  return new StrictConfig();
}

function optionsOf({ server, ca, client }: Extract<ApiServerAccess, { server: string }>): unknown {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    clusters: [{ name: 'cluster', server, caData: base64(ca), skipTLSVerify: false }],
    users: [{ name: 'user', certData: base64(client.certificate), keyData: base64(client.key) }],
    contexts: [{ name: 'context', cluster: 'cluster', user: 'user' }],
    currentContext: 'context',
  };
}

function assertSelfContained(config: ClientNode.KubeConfig): string {
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (cluster === null || user === null) throw invalid('the kubeconfig has no current context', 'kubeconfig');
  if (!cluster.server.startsWith('https://')) throw invalid('the server URL is not https', cluster.server);
  if (cluster.skipTLSVerify) throw invalid('the kubeconfig disables TLS verification', cluster.server);
  if (!cluster.caData) throw invalid('the kubeconfig has no embedded CA', cluster.server);
  if (user.certFile || user.keyFile || cluster.caFile) throw invalid('the kubeconfig points to files', cluster.server);
  if (user.exec || user.authProvider) throw invalid('the kubeconfig runs a program for credentials', cluster.server);
  return cluster.server.replace(/\/+$/, '');
}

function invalid(message: string, subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_CREDENTIALS_INVALID',
    message,
    subject,
    hint: 'use a kubeconfig with embedded certificates, such as /etc/kubernetes/admin.conf',
  });
}
