import { type GoValue, YamlFault } from './go-yaml.ts';
import { fieldIn, isTrue, itemsOf, textIn } from './kubeconfig-shape.ts';

const EXEC_VERSION = /^client\.authentication\.k8s\.io\/v1(?:beta1)?$/;
const INTERACTIVE_MODES = ['Never', 'IfAvailable', 'Always'];

/**
 * What client-go demands of the cluster of the context in use (`tools/clientcmd/validation.go`, `transport/transport.go`). Whether
 * named files exist is not judged here.
 *
 * @throws YamlFault
 */
export function assertCluster(cluster: GoValue | undefined): void {
  const server = textIn(cluster, 'server');
  if (server === '') throw new YamlFault('the cluster has no server');
  if (!isServer(server)) throw new YamlFault('server is neither an http or https URL nor a host with a port');
  const hasData = textIn(cluster, 'certificate-authority-data') !== '';
  const hasFile = textIn(cluster, 'certificate-authority') !== '';
  if (hasData && hasFile) throw bothGiven('certificate-authority');
  if (isTrue(cluster, 'insecure-skip-tls-verify') && (hasData || hasFile)) {
    throw new YamlFault('the cluster has a CA and insecure-skip-tls-verify; client-go takes only one of them');
  }
  const proxy = textIn(cluster, 'proxy-url');
  if (proxy !== '' && !(/^(?:https?|socks5):\/\//i.test(proxy) && URL.canParse(proxy))) {
    throw new YamlFault('proxy-url is neither http, https nor socks5');
  }
}

/**
 * What client-go demands of the user of the context in use; a missing user is anonymous.
 *
 * @throws YamlFault
 */
export function assertUser(user: GoValue | undefined): void {
  const has = (field: string): boolean => textIn(user, field) !== '';
  if (has('client-certificate') || has('client-certificate-data')) {
    for (const field of ['client-certificate', 'client-key']) {
      if (has(field) && has(`${field}-data`)) throw bothGiven(field);
    }
    if (!has('client-key') && !has('client-key-data')) throw new YamlFault('the user has a certificate without a key');
  }
  if (has('token') && (has('username') || has('password'))) {
    throw new YamlFault('the user has a token and a password; client-go takes only one of them');
  }
  const isImpersonating = has('as-uid') || size(user, 'as-groups') > 0 || size(user, 'as-user-extra') > 0;
  if (isImpersonating && !has('as')) throw new YamlFault('the user impersonates a group or uid without a user');
  const exec = fieldIn(user, 'exec');
  if (exec === undefined) return;
  if (fieldIn(user, 'auth-provider') !== undefined) {
    throw new YamlFault('the user has an exec plugin and an auth provider; client-go takes only one of them');
  }
  assertExec(exec);
}

const HOST = /^(?:\[[0-9a-fA-F:.]+(?:%25[\w.-]+)?\]|[^\s@/?#[\]<>"%\\^{}|`]+?)(?::\d*)?$/;

const MAX_PORT = 65_535;

/** `rest.DefaultServerURL`: a URL, or a host and port without a path; and what net/http makes a request to. */
function isServer(server: string): boolean {
  const [address = ''] = server.split(/[?#]/);
  if (/\s|%(?![0-9a-fA-F]{2})/.test(address)) return false;
  const [, scheme = 'http', authority = address.replace(/\/$/, '')] =
    /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/]+)/.exec(address) ?? [];
  if (!/^https?$/i.test(scheme)) return false;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  // The last colon begins the port.
  if (!HOST.test(host) || !/^(?:[^:]*|.*:\d*|.*\])$/.test(host)) return false;
  return Number(/:(\d+)$/.exec(host)?.[1] ?? 0) <= MAX_PORT;
}

function assertExec(exec: GoValue): void {
  if (textIn(exec, 'command') === '') throw new YamlFault('the exec plugin has no command');
  const version = textIn(exec, 'apiVersion');
  if (!EXEC_VERSION.test(version)) throw new YamlFault('the exec plugin has no apiVersion that client-go knows');
  const mode = textIn(exec, 'interactiveMode');
  const isDefaulted = mode === '' && version.endsWith('/v1beta1');
  if (!isDefaulted && !INTERACTIVE_MODES.includes(mode)) throw new YamlFault('the exec plugin has no interactiveMode');
  const env = exec.is === 'map' ? itemsOf(exec, 'env') : [];
  if (env.some((each) => textIn(each, 'name') === ''))
    throw new YamlFault('the exec plugin has a variable without name');
}

function size(user: GoValue | undefined, field: string): number {
  const value = fieldIn(user, field);
  return value?.is === 'list' ? value.items.length : value?.is === 'map' ? value.entries.size : 0;
}

function bothGiven(field: string): YamlFault {
  return new YamlFault(`${field}-data and ${field} are both given; client-go refuses that`);
}
