import type { HostPath } from '@kube-rescue/host';

export interface EtcdctlAccess {
  readonly endpoints: readonly string[];
  readonly ca: HostPath | undefined;
  readonly client: { readonly certificate: HostPath; readonly key: HostPath } | undefined;
  /** Set when the server's certificate is not for the endpoint's host. */
  readonly serverName?: string | undefined;
  readonly isServerExpired?: boolean | undefined;
}

export interface EtcdctlLine {
  /** For a shell; contains paths, never their content. */
  readonly line: string;
  /** Preconditions and limitations. */
  readonly notes: readonly string[];
}

/** The `etcdctl` command line for the same connection; append the subcommand. */
export function etcdctlLine({ endpoints, ca, client, serverName, isServerExpired }: EtcdctlAccess): EtcdctlLine {
  const notes: string[] = [];
  const named = endpoints.map((endpoint) => {
    if (serverName === undefined) return endpoint;
    const url = new URL(endpoint);
    notes.push(`etcdctl has no flag for the server name: add a line to /etc/hosts: ${url.hostname} ${serverName}`);
    return `${url.protocol}//${serverName}:${url.port}`;
  });
  if (isServerExpired === true) {
    notes.push('etcdctl cannot ignore the expiry date alone: with this flag it trusts any server');
  }
  const words = [
    `--endpoints=${named.join(',')}`,
    ...(ca === undefined ? [] : [`--cacert=${ca}`]),
    ...(client === undefined ? [] : [`--cert=${client.certificate}`, `--key=${client.key}`]),
    ...(isServerExpired === true ? ['--insecure-skip-tls-verify'] : []),
  ];
  return { line: ['ETCDCTL_API=3', 'etcdctl', ...words.map(quoted)].join(' '), notes };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
