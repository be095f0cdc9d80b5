import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { refusedByKubelet } from './configuration-file.ts';

/** The drop-ins of `--config-dir`, in the order in which the kubelet merges them. */
export interface DropInFiles {
  readonly files: readonly HostPath[];
  /** Why there are none, where that is not plain. */
  readonly notes: readonly string[];
}

type DirectoryHost = Pick<Host, 'stat' | 'list'>;

/**
 * Lists the files of a `--config-dir` that end with `.conf`, in subdirectories too, in the order of their names' bytes. As Go's
 * filepath.WalkDir: links are files, and the directory itself is not followed when it is a link without a slash at its end.
 *
 * Source: `cmd/kubelet/app/server.go` mergeKubeletConfigurations.
 * @throws NodeConfigError `KUBELET_CONFIGURATION_INVALID` when it does not exist; HostError when a directory cannot be read
 */
export async function listDropIns(flag: string, host: DirectoryHost): Promise<DropInFiles> {
  const directory = joinPath(hostPath('/'), flag);
  const kind = (await host.stat(directory))?.kind;
  if (kind === undefined) throw refusedByKubelet(directory, `--config-dir=${flag} does not exist`);
  if (kind === 'directory' || (kind === 'symlink' && flag.endsWith('/'))) {
    return { files: await walk(directory, host), notes: [] };
  }
  if (flag.endsWith('.conf')) return { files: [directory], notes: [] };
  return {
    files: [],
    notes: [`${directory} is a ${kind === 'symlink' ? 'link' : 'file'}: the kubelet reads no drop-in of it`],
  };
}

async function walk(directory: HostPath, host: DirectoryHost): Promise<readonly HostPath[]> {
  const names = ((await host.list(directory)) ?? []).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const files: HostPath[] = [];
  for (const name of names) {
    const path = joinPath(directory, name);
    if ((await host.stat(path))?.kind === 'directory') files.push(...(await walk(path, host)));
    else if (name.endsWith('.conf')) files.push(path);
  }
  return files;
}
