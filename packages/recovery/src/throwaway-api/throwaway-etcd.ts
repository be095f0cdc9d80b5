import { isRecoveryError } from '@kube-rescue/errors';
import { type Clock, type Host, type HostPath, joinPath } from '@kube-rescue/host';
import { ThrowawayError } from '../errors.ts';
import { type ChildServer, startChild } from './child-server.ts';
import type { ThrowawayPki, WrittenFiles } from './server-files.ts';
import type { EtcdTarget } from './server-flags.ts';
import { freePort } from './free-port.ts';

/** A copy of the data of etcd, and the programs for it. */
export interface CopiedData {
  /** The snapshot, or a database. */
  readonly source: HostPath;
  readonly isHashed: boolean;
  /** The restore program. */
  readonly tool: string;
  readonly etcd: string;
  /** Where the data directory is made. */
  readonly directory: HostPath;
}

export interface ThrowawayEtcd {
  readonly target: EtcdTarget;
  readonly server: ChildServer;
}

const NAME = 'kube-rescue-throwaway';
const START_TIMEOUT_MS = 120_000;
const INTERVAL_MS = 100;
const CALL_TIMEOUT_MS = 2_000;
/** A database beyond the default limit of 2 GiB is served too. */
const QUOTA_BYTES = 16 * 1024 ** 3;

/**
 * Restores the data into a directory of its own, and serves it on the loopback interface, to holders of the throwaway CA's client
 * certificate alone.
 * @throws EtcdError `ETCD_RESTORE_FAILED`; ThrowawayError `THROWAWAY_NOT_READY`; HostError
 */
export async function startThrowawayEtcd(
  { source, isHashed, tool, etcd, directory }: CopiedData,
  { files, pki }: { readonly files: WrittenFiles; readonly pki: ThrowawayPki },
  deps: { readonly host: Host; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ThrowawayEtcd> {
  const { host, clock } = deps;
  const { restoreSnapshot } = await import('@kube-rescue/etcd-access/restore');
  const data = joinPath(directory, 'data');
  const [endpoint, peerUrl] = [await urlOf(host), await urlOf(host)];
  const restore = { program: tool, source, directory: data, name: NAME, peerUrl, token: NAME, bump: 0, isHashed };
  await restoreSnapshot(restore, { host }, signal);
  const { ca, certificate, key, client } = files;
  const server = await startChild(
    'etcd',
    [
      ...([etcd, `--data-dir=${data}`, `--name=${NAME}`, `--quota-backend-bytes=${QUOTA_BYTES}`] as const),
      ...[`--listen-client-urls=${endpoint}`, `--advertise-client-urls=${endpoint}`],
      ...[`--listen-peer-urls=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`],
      ...[`--initial-cluster=${NAME}=${peerUrl}`, `--initial-cluster-token=${NAME}`],
      ...['--client-cert-auth', `--trusted-ca-file=${ca}`, `--cert-file=${certificate}`, `--key-file=${key}`],
      ...['--peer-client-cert-auth', `--peer-trusted-ca-file=${ca}`],
      ...[`--peer-cert-file=${certificate}`, `--peer-key-file=${key}`],
      ...['--logger=zap', '--log-outputs=stderr'],
    ],
    deps,
  );
  const target = { endpoint, ca, client };
  const begun = clock.now().getTime();
  while (!(await serves(endpoint, pki, deps, signal))) {
    const ended = server.end();
    if (ended !== undefined || clock.now().getTime() - begun >= START_TIMEOUT_MS) {
      server.stop();
      throw new ThrowawayError({
        code: 'THROWAWAY_NOT_READY',
        message: ended ?? 'the throwaway etcd did not serve in time',
        subject: source,
        hint: 'nothing was changed; try another snapshot, or another etcd with --etcd FILE',
      });
    }
    await clock.sleep(INTERVAL_MS, signal);
  }
  return { target, server };
}

async function urlOf(host: Host): Promise<string> {
  return `https://127.0.0.1:${await freePort({ host })}`;
}

/** etcd answers once it has a leader (etcd, `server/etcdserver/api/etcdhttp/health.go`). */
async function serves(
  endpoint: string,
  { ca, client }: ThrowawayPki,
  { host }: { readonly host: Host },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const url = `${endpoint}/health`;
    const { status, peer } = await host.request({ url, ca, client, timeoutMs: CALL_TIMEOUT_MS, signal });
    return status === 200 && peer?.trusted === true;
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error, 'HOST_CONNECTION_FAILED')) return false;
    throw error;
  }
}
