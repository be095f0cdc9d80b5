import { isRecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, joinPath } from '@kube-rescue/host';
import { copyImagePrograms, readImageVersion } from '@kube-rescue/node';
import { ThrowawayError } from '../errors.ts';
import { MOUNT_POINT } from './workspace.ts';

/** A program of a component, and where it may be. */
export interface WantedProgram {
  readonly name: 'kube-apiserver' | 'etcd';
  /** Given by the operator: the only one that is tried. */
  readonly given: HostPath | undefined;
  /** Image of the component on this node; `undefined` where no static pod runs it. */
  readonly image: string | undefined;
  /** Further programs of the image to copy, where it has them. */
  readonly others?: readonly string[] | undefined;
}

export interface FoundProgram {
  /** A path, or a name in PATH. */
  readonly program: string;
  readonly version: string;
  /** `given`, the image, or `PATH`. */
  readonly source: string;
  /** The further programs that the image had. */
  readonly others: ReadonlyMap<string, HostPath>;
}

const TIMEOUT_MS = 20_000;
const FLAG = { 'kube-apiserver': '--kube-apiserver', etcd: '--etcd' } as const;

/**
 * Finds a program in the minor version of the node's component: given, else copied from the component's image, else in PATH. Its own
 * `--version` is believed.
 * @param places the directory for copies, and the kubelet's `--container-runtime-endpoint`
 * @throws ThrowawayError `THROWAWAY_PROGRAM_MISSING`; HostError
 */
export async function findProgram(
  wanted: WantedProgram,
  places: { readonly directory: HostPath; readonly runtimeEndpoint: string | undefined },
  { host }: { readonly host: Host },
): Promise<FoundProgram> {
  const { name, given, image, others = [] } = wanted;
  const version = image === undefined ? undefined : readImageVersion(image);
  const rejected: string[] = [];
  const tryOne = async (
    program: string,
    source: string,
    more: ReadonlyMap<string, HostPath> = new Map(),
  ): Promise<FoundProgram | undefined> => {
    const found = await readVersion(program, host);
    if ('problem' in found) rejected.push(`${source}: ${found.problem}`);
    else if (version !== undefined && minorOf(found.version) !== minorOf(version)) {
      rejected.push(`${source}: ${program} is of version ${found.version}`);
    } else return { program, version: found.version, source, others: more };
    return undefined;
  };
  if (given !== undefined) {
    const found = await tryOne(given, 'given');
    if (found !== undefined) return found;
  } else {
    if (image !== undefined) {
      const { directory, runtimeEndpoint } = places;
      const mountPoint = joinPath(directory, MOUNT_POINT);
      const names = [name, ...others];
      const { copied, problem } = await copyImagePrograms(
        { image, names, directory, mountPoint, runtimeEndpoint },
        { host },
      );
      const copy = copied.get(name);
      if (copy === undefined) rejected.push(problem ?? `the image ${image} has no ${name}`);
      const found = copy && (await tryOne(copy, image, copied));
      if (found !== undefined) return found;
    }
    const found = await tryOne(name, 'PATH');
    if (found !== undefined) return found;
  }
  throw new ThrowawayError({
    code: 'THROWAWAY_PROGRAM_MISSING',
    message: `no ${name}${version === undefined ? '' : ` of version ${minorOf(version)}`} to start`,
    reasons: rejected,
    subject: given ?? name,
    hint: `nothing was started; give the program with ${FLAG[name]} FILE: it is in the image of the component and in the release`,
  });
}

/** `Kubernetes v1.20.2`, or `etcd Version: 3.4.23`. */
async function readVersion(
  program: string,
  host: Host,
): Promise<{ readonly version: string } | { readonly problem: string }> {
  try {
    const { stdout, stderr, exitCode } = await host.exec([program, '--version'], { timeoutMs: TIMEOUT_MS });
    const version = /(?:etcd Version: |Kubernetes v)(\d+\.\d+\.\d+)/.exec(`${stdout}\n${stderr}`)?.[1];
    return version === undefined
      ? { problem: `${program} --version ended with ${exitCode}, without a version` }
      : { version };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return { problem: `${program}: ${error.message}` };
  }
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
