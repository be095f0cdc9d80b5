import { hostPath } from '@kube-rescue/host';
import { type Kubeconfig, NodeConfigError, parseKubeconfig } from '@kube-rescue/node-config';
import { ObjectError } from '../errors.ts';
import type * as ClientNode from './api-client.ts';
import { connectThrough, type Dial } from './api-dialer.ts';
import type { ApiServerAccess } from './api-server-access.ts';

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
  const given = 'kubeconfig' in access ? readSelfContained(access.kubeconfig) : access;
  if (!given.server.startsWith('https://')) throw invalid('the server URL is not https', given.server);
  config.loadFromOptions(optionsOf(given));
  const server = given.server.replace(/\/+$/, '');
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

interface EmbeddedAccess extends Extract<ApiServerAccess, { readonly server: string }> {
  /** The name in the server's certificate. Default: the host of the URL. */
  readonly serverName?: string | undefined;
}

function optionsOf({ server, ca, client, serverName }: EmbeddedAccess): unknown {
  const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
  const tlsServerName = serverName === undefined ? {} : { tlsServerName: serverName };
  return {
    clusters: [{ name: 'cluster', server, caData: base64(ca), skipTLSVerify: false, ...tlsServerName }],
    users: [{ name: 'user', certData: base64(client.certificate), keyData: base64(client.key) }],
    contexts: [{ name: 'context', cluster: 'cluster', user: 'user' }],
    currentContext: 'context',
  };
}

/** Kubernetes' client library refuses contexts without a name, which client-go reads; so it is given the content alone. */
function readSelfContained(text: string): EmbeddedAccess {
  const { server, serverName, trust, certificate, key, otherCredential } = readKubeconfig(text);
  if (otherCredential !== undefined) throw invalid(`the user of the kubeconfig has ${otherCredential}`, server);
  if (trust === undefined) throw invalid('the kubeconfig verifies no server: it embeds no CA', server);
  if (certificate === undefined || key === undefined) {
    throw invalid('the kubeconfig has no embedded client certificate and key', server);
  }
  if (trust.in === 'file' || certificate.in === 'file' || key.in === 'file') {
    throw invalid('the kubeconfig points to files', server);
  }
  return { server, serverName, ca: trust.text, client: { certificate: certificate.text, key: key.text } };
}

function readKubeconfig(text: string): Kubeconfig {
  try {
    return parseKubeconfig(text, hostPath('/kubeconfig'));
  } catch (error) {
    if (error instanceof NodeConfigError) throw invalid(error.message, 'kubeconfig');
    throw error;
  }
}

function invalid(message: string, subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_CREDENTIALS_INVALID',
    message,
    subject,
    hint: 'use a kubeconfig with embedded certificates, such as /etc/kubernetes/admin.conf',
  });
}
