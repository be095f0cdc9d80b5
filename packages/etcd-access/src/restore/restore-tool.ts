import { isRecoveryError } from '@kube-rescue/errors';
import type { Host, HostPath } from '@kube-rescue/host';
import { EtcdError } from '../errors.ts';

/** The program of etcd that restores a snapshot. */
export interface RestoreTool {
  /** A path, or a name in PATH. */
  readonly program: string;
  readonly version: string;
  /** It can raise the revision, and mark the old ones as compacted. */
  readonly canBump: boolean;
}

type ToolHost = Pick<Host, 'exec'>;

const TIMEOUT_MS = 20_000;
/** `etcdutl` is part of etcd since 3.5; `etcdctl` has lost `snapshot restore` in 3.6. */
const PROGRAMS = ['etcdutl', 'etcdctl'];

/**
 * The restore program of the node's own etcd: given, or found in PATH. Its own help says what it can do.
 * @param version of the node's etcd; a program of another minor version is refused, because it may write a database that this etcd
 * does not read
 * @throws EtcdError `ETCD_RESTORE_TOOL`; HostError
 */
export async function findRestoreTool(
  { given, version }: { readonly given: HostPath | undefined; readonly version: string | undefined },
  { host }: { readonly host: ToolHost },
): Promise<RestoreTool> {
  const rejected: string[] = [];
  for (const program of given === undefined ? PROGRAMS : [given]) {
    const found = await inspectTool(program, host);
    if (found === undefined) {
      rejected.push(`${program}: not found, or without snapshot restore`);
    } else if (version !== undefined && minorOf(found.version) !== minorOf(version)) {
      rejected.push(`${program} is of etcd ${found.version}`);
    } else {
      return found;
    }
  }
  const wanted = version === undefined ? 'this etcd' : `etcd ${version}`;
  throw new EtcdError({
    code: 'ETCD_RESTORE_TOOL',
    message: `no program of ${wanted} that restores a snapshot: ${rejected.join('; ')}`,
    subject: given ?? 'etcdutl',
    hint: 'give the etcdutl of the same minor version with --etcdutl FILE: it is in the image of etcd (`ctr -n k8s.io images mount IMAGE DIRECTORY`) and in the release of etcd',
  });
}

async function inspectTool(program: string, host: ToolHost): Promise<RestoreTool | undefined> {
  const help = await run([program, 'snapshot', 'restore', '--help'], host);
  if (help === undefined || !help.includes('--initial-cluster-token')) return undefined;
  const version = /version:\s*v?(\d+\.\d+\.\d+)/.exec((await run([program, 'version'], host)) ?? '')?.[1];
  if (version === undefined) return undefined;
  return { program, version, canBump: help.includes('--bump-revision') && help.includes('--mark-compacted') };
}

/** Its output; `undefined` when it is missing or fails. */
async function run(argv: readonly [string, ...string[]], host: ToolHost): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await host.exec(argv, { timeoutMs: TIMEOUT_MS, env: TOOL_ENVIRONMENT });
    return exitCode === 0 ? `${stdout}\n${stderr}` : undefined;
  } catch (error) {
    if (isRecoveryError(error, 'HOST_EXEC_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** `ETCDCTL_*` of the operator must not change what a restore does. */
export const TOOL_ENVIRONMENT = {
  ETCDCTL_API: '3',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
