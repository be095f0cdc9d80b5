import type { HostPath } from '@kube-rescue/host';

export interface EtcdctlAccess {
  readonly endpoints: readonly string[];
  readonly ca: HostPath | undefined;
  readonly client: { readonly certificate: HostPath; readonly key: HostPath } | undefined;
  /** Where the server's certificate is not for the endpoint's own host. */
  readonly serverName?: string | undefined;
  readonly isServerExpired?: boolean | undefined;
}

export interface EtcdctlLine {
  /** To be pasted into a shell; holds paths, never what is in them. */
  readonly line: string;
  /** What must be so for it to work, or what it does less well than this package. */
  readonly notes: readonly string[];
}

/** The `etcdctl` command line that reaches the same etcd; add the subcommand to it. */
export function etcdctlLine({ endpoints, ca, client, serverName, isServerExpired }: EtcdctlAccess): EtcdctlLine {
  const notes: string[] = [];
  const named = endpoints.map((endpoint) => {
    if (serverName === undefined) return endpoint;
    const url = new URL(endpoint);
    notes.push(`etcdctl cannot be told the server's name: add a line to /etc/hosts: ${url.hostname} ${serverName}`);
    return `${url.protocol}//${serverName}:${url.port}`;
  });
  if (isServerExpired === true) {
    notes.push('etcdctl cannot overlook the date alone: with this flag it believes any server');
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
