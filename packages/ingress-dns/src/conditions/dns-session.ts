import { isRecoveryError } from '@kube-rescue/errors';
import type { DnsAnswer, DnsRecordType, Host } from '@kube-rescue/host';

/** A DNS server; default port 53. */
export interface DnsServer {
  readonly address: string;
  readonly port?: number | undefined;
}

export interface DnsOptions {
  /** Recursive resolvers. Default: those of the machine. */
  readonly resolvers?: readonly DnsServer[] | undefined;
  /** Port of the authoritative servers. Default: 53. */
  readonly port?: number | undefined;
}

/** DNS queries, each sent once. `undefined` means no answer. */
export interface DnsSession {
  /** Queries the first configured resolver. */
  resolve(name: string, type: DnsRecordType): Promise<DnsAnswer | undefined>;
  /** Queries every configured resolver. */
  resolveEverywhere(name: string, type: DnsRecordType): Promise<readonly (DnsAnswer | undefined)[]>;
  /** Queries an authoritative server by name, without recursion. */
  askServer(serverName: string, name: string, type: DnsRecordType): Promise<DnsAnswer | undefined>;
}

const PROBE_LABEL = 'kube-rescue-check';
const TIMEOUT_MS = 4000;
const AUTHORITATIVE_PORT = 53;

export function openDnsSession(
  { resolvers = [], port = AUTHORITATIVE_PORT }: DnsOptions,
  { host, signal }: { readonly host: Pick<Host, 'resolveDns'>; readonly signal?: AbortSignal | undefined },
): DnsSession {
  const asked = new Map<string, Promise<DnsAnswer | undefined>>();
  const ask = (server: DnsServer | undefined, name: string, type: DnsRecordType, recursive: boolean) => {
    const key = [server?.address, server?.port, name, type, recursive].join(' ');
    const known = asked.get(key);
    if (known !== undefined) return known;
    const answer = host
      .resolveDns({ name, type, server, recursive, timeoutMs: TIMEOUT_MS, signal })
      .catch((error: unknown) => {
        if (isRecoveryError(error, 'HOST_CONNECTION_FAILED')) return undefined;
        throw error;
      });
    asked.set(key, answer);
    return answer;
  };
  const session: DnsSession = {
    resolve: (name, type) => ask(resolvers[0], name, type, true),
    resolveEverywhere: (name, type) =>
      Promise.all((resolvers.length === 0 ? [undefined] : resolvers).map((server) => ask(server, name, type, true))),
    askServer: async (serverName, name, type) => {
      const [address] = addressesIn(await session.resolve(serverName, 'A'));
      return address === undefined ? undefined : ask({ address, port }, name, type, false);
    },
  };
  return session;
}

/** The addresses in an answer, sorted; includes those behind a CNAME. */
export function addressesIn(answer: DnsAnswer | undefined): readonly string[] {
  const records = answer?.records.filter(({ type }) => type === 'A' || type === 'AAAA') ?? [];
  return records.map(({ value }) => value).toSorted();
}

/** The name to query: for a wildcard, one that it covers. */
export function probedName(name: string): string {
  return name.replace(/^\*/, PROBE_LABEL);
}
