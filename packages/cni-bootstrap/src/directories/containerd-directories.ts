import { readToml } from './toml.ts';
import { findNodeService } from '@kube-rescue/node-config';
import { type Fields, fieldsAt, textAt, textsAt } from '@kube-rescue/cluster-objects';
import { baseName, type Host, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import type { RuntimeDirectories } from './runtime-directories.ts';

type RuntimeHost = Pick<Host, 'readFile' | 'list' | 'processes'>;

const DEFAULT_CONFIG = '/etc/containerd/config.toml';

/** The CNI section in each version of the file: containerd docs/cri/config.md, versions 3, 2 and 1. */
const SECTIONS: readonly (readonly string[])[] = [
  ['plugins', 'io.containerd.cri.v1.runtime', 'cni'],
  ['plugins', 'io.containerd.grpc.v1.cri', 'cni'],
  ['plugins', 'cri', 'cni'],
];

/**
 * The CNI directories in the configuration of containerd; `undefined` without containerd and configuration.
 * @throws CniError `CNI_DIRECTORIES_UNREADABLE`
 */
export async function readContainerdDirectories(host: RuntimeHost): Promise<RuntimeDirectories | undefined> {
  const { service, ignored } = await findNodeService(
    {
      unit: 'containerd.service',
      name: 'containerd',
      isProgram: ([program]) => baseName(asPath(program)) === 'containerd',
    },
    { host },
  );
  const path = asPath(configFlag(service?.argv ?? []) ?? DEFAULT_CONFIG);
  const documents = await readDocuments(path, host);
  if (documents === undefined) {
    if (service?.running === undefined) return undefined;
    return {
      configuration: undefined,
      binaries: undefined,
      source: withIgnored(`default of containerd: ${path} does not exist`, ignored),
    };
  }
  const sections = documents.flatMap((document) => SECTIONS.map((section) => fieldsAt(document.object, ...section)));
  const conf = sections.map((section) => textAt(section, 'conf_dir')).findLast(isText);
  const single = sections.map((section) => textAt(section, 'bin_dir')).findLast(isText);
  const several = sections.map((section) => textsAt(section, 'bin_dirs')).findLast((dirs) => dirs.length > 0);
  const bins = several ?? (single === undefined ? undefined : [single]);
  return {
    configuration: conf === undefined ? undefined : hostPath(conf),
    binaries: bins?.map((directory) => hostPath(directory)),
    source: withIgnored(documents.map((document) => document.path).join(', '), ignored),
  };
}

async function readDocuments(
  path: HostPath,
  host: RuntimeHost,
): Promise<readonly { readonly path: HostPath; readonly object: Fields }[] | undefined> {
  const main = await readToml(path, host);
  if (main === undefined) return undefined;
  const imported = await Promise.all(
    textsAt(main, 'imports').flatMap(async (pattern) => {
      const files = await expand(joinPath(parentPath(path), pattern), host);
      return Promise.all(files.map(async (file) => ({ path: file, object: await readToml(file, host) })));
    }),
  );
  const found = imported
    .flat()
    .flatMap(({ path: file, object }) => (object === undefined ? [] : [{ path: file, object }]));
  return [{ path, object: main }, ...found];
}

/** Supports wildcards in the last segment, such as `conf.d/*.toml`. */
async function expand(pattern: HostPath, host: RuntimeHost): Promise<readonly HostPath[]> {
  const directory = parentPath(pattern);
  const name = baseName(pattern);
  if (!name.includes('*')) return [pattern];
  const matcher = new RegExp(`^${name.split('*').map(escapeRegExp).join('.*')}$`);
  return ((await host.list(directory)) ?? [])
    .filter((each) => matcher.test(each))
    .map((each) => joinPath(directory, each));
}

function withIgnored(source: string, ignored: readonly string[]): string {
  return [source, ...ignored].join('; ');
}

function configFlag(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => /^(--config|-config|-c)(=|$)/.test(word));
  if (at === -1) return undefined;
  const inline = /=(.*)$/.exec(argv[at] ?? '')?.[1];
  return inline ?? argv[at + 1];
}

function asPath(text: string | undefined): HostPath {
  return text?.startsWith('/') === true ? hostPath(text) : hostPath(`/${text ?? ''}`);
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
}

function isText(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
