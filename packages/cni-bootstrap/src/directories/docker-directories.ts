import type { Host } from '@kube-rescue/host';
import { findNodeService, readCommandLine } from '@kube-rescue/node-config';
import { asPath, asPaths } from './flag-paths.ts';
import type { RuntimeDirectories } from './runtime-directories.ts';

const UNIT = 'cri-docker.service';
const PROGRAM = 'cri-dockerd';

/** The CNI directories in the flags of cri-dockerd, which runs the plugins for Docker Engine; `undefined` without its unit. */
export async function readDockerDirectories(
  host: Pick<Host, 'readFile' | 'list' | 'processes'>,
): Promise<RuntimeDirectories | undefined> {
  const isProgram = ([program = '']: readonly string[]): boolean =>
    program.slice(program.lastIndexOf('/') + 1) === PROGRAM;
  const { service } = await findNodeService({ unit: UNIT, name: PROGRAM, isProgram }, { host });
  if (service === undefined) return undefined;
  const { flags } = readCommandLine(service.argv);
  return {
    configuration: asPath(flags.get('cni-conf-dir')),
    binaries: asPaths(flags.get('cni-bin-dir')),
    source: service.source,
  };
}
