import { baseName, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { createHash } from 'node:crypto';
import { type Argv, commandFailed, runCommand } from '../machine/command.ts';
import { PAUSE_IMAGE } from '../machine/containerd.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { ClusterNode } from '../machine/lab-directory.ts';
import type { KubernetesRelease } from './kubernetes-release.ts';
import { enterNode } from '../machine/node-namespaces.ts';
import { runConcurrently } from '../machine/concurrency.ts';

/** The image of the lab's workload: answers HTTP on port 8080 with {@link WEB_ANSWER}. */
export const WEB_IMAGE = 'kube-rescue.invalid/web:1';
export const WEB_ANSWER = 'hello';

/** Of Debian's package etcd-server. */
const DEBIAN_ETCD = hostPath('/usr/bin/etcd');
const BUSYBOX = hostPath('/bin/busybox');
const IMPORT_TIMEOUT_MS = 120_000;

/** A container image with one layer, built from files of this machine. */
export interface ImageRecipe {
  readonly reference: string;
  readonly entrypoint: readonly string[];
  /** Files of the machine, by their path in the image. */
  readonly files: Readonly<Record<string, HostPath>>;
  /** Texts, by their path in the image. */
  readonly texts?: Readonly<Record<string, string>>;
}

const PATH = '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Images for the nodes of a lab, as archives that containerd can import. */
export interface PackedImages {
  /** Loads those of `references` into a node's containerd; needs no registry. */
  load(node: ClusterNode, references: readonly string[], deps: LabDeps): Promise<void>;
  /** Removes the archives. */
  discard(deps: LabDeps): Promise<void>;
}

/**
 * Builds an image from each recipe.
 *
 * @param directory created for the archives, and removed with them
 */
export async function packImages(
  recipes: readonly ImageRecipe[],
  directory: HostPath,
  deps: LabDeps,
): Promise<PackedImages> {
  const architecture = (await runCommand(deps, ['dpkg', '--print-architecture'])).stdout.trim();
  await deps.host.makeDirectory(directory, { mode: 0o700 });
  const packed = await runConcurrently(
    deps,
    recipes.map((recipe) => async (each) => {
      return [recipe.reference, await packImage(recipe, architecture, directory, each)] as const;
    }),
  );
  const archives = new Map(packed);
  return {
    load: async (node, references, atLoad) => {
      await runConcurrently(
        atLoad,
        references.map((reference) => async (each) => {
          const archive = archives.get(reference);
          if (archive === undefined) throw new Error(`no image ${reference} was packed`);
          const argv = [...enterNode(node), 'ctr', '--namespace=k8s.io', 'images', 'import', archive] as const;
          await runCommand(each, argv, { timeoutMs: IMPORT_TIMEOUT_MS });
        }),
      );
    },
    discard: async (atEnd) => {
      await runCommand(atEnd, ['rm', '-rf', directory]);
    },
  };
}

/** The images of a kubeadm control plane. */
export async function kubeadmImages(
  binaries: HostPath,
  release: KubernetesRelease,
  deps: LabDeps,
): Promise<readonly ImageRecipe[]> {
  const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
  const kubernetes = components.map((name) => componentImage(name, binaries, release));
  return [...kubernetes, await etcdImage(binaries, release, deps)];
}

/** etcd under the image name that kubeadm gives it; the content is the etcd of the release, or Debian's. */
async function etcdImage(
  binaries: HostPath,
  { imageRepository, etcdImageTag, etcdVersion }: KubernetesRelease,
  deps: LabDeps,
): Promise<ImageRecipe> {
  const etcd = etcdVersion === undefined ? DEBIAN_ETCD : joinPath(binaries, 'etcd');
  const libraries = await sharedLibraries([etcd], deps);
  const files = { '/usr/local/bin/etcd': etcd, ...Object.fromEntries(libraries.map((path) => [path, path])) };
  return { reference: `${imageRepository}/etcd:${etcdImageTag}`, entrypoint: [], files };
}

/** The image of a Kubernetes component, under the name that kubeadm gives it. */
export function componentImage(
  name: string,
  binaries: HostPath,
  { imageRepository, version }: Pick<KubernetesRelease, 'imageRepository' | 'version'>,
): ImageRecipe {
  const files = { [`/usr/local/bin/${name}`]: joinPath(binaries, name) };
  return { reference: `${imageRepository}/${name}:${version}`, entrypoint: [], files };
}

/** The images that every node needs: the pause container and the lab's workload. */
export const COMMON_IMAGES: readonly ImageRecipe[] = [
  { reference: PAUSE_IMAGE, entrypoint: ['/bin/busybox', 'sleep', 'infinity'], files: { '/bin/busybox': BUSYBOX } },
  {
    reference: WEB_IMAGE,
    entrypoint: ['/bin/busybox', 'httpd', '-f', '-p', '8080', '-h', '/www'],
    files: { '/bin/busybox': BUSYBOX },
    texts: { '/www/index.html': `${WEB_ANSWER}\n` },
  },
];

/** Writes a docker-archive (`docker save`) of `recipe` below `work`. */
async function packImage(recipe: ImageRecipe, architecture: string, work: HostPath, deps: LabDeps): Promise<HostPath> {
  // containerd locks each imported image by its name in the archive, so equal names would serialize the imports.
  const name = createHash('sha256').update(recipe.reference).digest('hex').slice(0, 12);
  const directory = joinPath(work, name);
  const root = joinPath(directory, 'root');
  const { host } = deps;
  for (const [path, source] of Object.entries(recipe.files)) {
    const target = joinPath(root, `.${path}`);
    await host.makeDirectory(parentPath(target), { mode: 0o755 });
    await host.writeLink(target, source);
  }
  for (const [path, text] of Object.entries(recipe.texts ?? {})) {
    const target = joinPath(root, `.${path}`);
    await host.makeDirectory(parentPath(target), { mode: 0o755 });
    await host.writeFile(target, Buffer.from(text), { mode: 0o644 });
  }
  const layer = joinPath(directory, `${name}.layer.tar`);
  await runCommand(deps, tar(layer, root, '.', '--dereference'));
  const [digest = ''] = (await runCommand(deps, ['sha256sum', layer])).stdout.split(' ');
  const config = joinPath(directory, `${name}.json`);
  const manifest = [{ Config: baseName(config), RepoTags: [recipe.reference], Layers: [baseName(layer)] }];
  await host.writeFile(config, Buffer.from(renderImageConfig(recipe, architecture, digest)), { mode: 0o644 });
  await host.writeFile(joinPath(directory, 'manifest.json'), Buffer.from(JSON.stringify(manifest)), { mode: 0o644 });
  const archive = joinPath(work, `${name}.tar`);
  await runCommand(deps, tar(archive, directory, 'manifest.json', baseName(config), baseName(layer)));
  return archive;
}

function tar(archive: HostPath, directory: HostPath, ...rest: readonly string[]): Argv {
  return ['tar', '--create', '--file', archive, '--directory', directory, '--owner=0', '--group=0', ...rest];
}

/** The image configuration of the OCI image specification. */
export function renderImageConfig(recipe: ImageRecipe, architecture: string, layerSha256: string): string {
  return JSON.stringify({
    architecture,
    os: 'linux',
    config: { Env: [`PATH=${PATH}`], Entrypoint: recipe.entrypoint },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerSha256}`] },
    history: [],
  });
}

/** The libraries that programs and libraries of this machine need, the loader included; a static program needs none. */
export async function sharedLibraries(programs: readonly HostPath[], deps: LabDeps): Promise<readonly HostPath[]> {
  const result = await deps.host.exec(['ldd', ...programs], { timeoutMs: 60_000, signal: deps.signal });
  const hasStatic = `${result.stdout}${result.stderr}`.includes('not a dynamic executable');
  if (result.exitCode !== 0 && !hasStatic) throw commandFailed(['ldd', ...programs], result);
  return [...new Set(parseSharedLibraries(result.stdout))];
}

/** @param listing the output of ldd(1); the kernel's own vdso has no file */
export function parseSharedLibraries(listing: string): readonly HostPath[] {
  return [...listing.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => hostPath(path));
}
