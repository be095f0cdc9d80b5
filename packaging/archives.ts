import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Architecture } from './executable.ts';

const run = promisify(execFile);

/** What an archive is made of, besides its tree. */
export interface ArchiveInput {
  /** Seconds since 1970: the date of every file. */
  readonly epoch: number;
  /** 0 to 9. */
  readonly compression: number;
}

/**
 * Packs a directory with its name, byte for byte the same for the same content: sorted, owned by root, with one date.
 *
 * @param target ends in `.tar.gz` or `.tar.xz`
 */
export async function makeTar(directory: string, target: string, { epoch, compression }: ArchiveInput): Promise<void> {
  const packer = target.endsWith('.xz')
    ? `xz --threads=1 -${compression}`
    : `gzip --no-name -${Math.max(compression, 1)}`;
  const same = ['--sort=name', '--format=gnu', `--mtime=@${epoch}`, '--owner=0', '--group=0', '--numeric-owner'];
  const modes = ['--mode=u+rwX,go+rX,go-w'];
  const what = ['-C', path.dirname(directory), path.basename(directory)];
  await run('tar', [...same, ...modes, `--use-compress-program=${packer}`, '-cf', target, ...what]);
}

const DEBIAN_ARCHITECTURE: Readonly<Record<Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

export interface DebianInput extends ArchiveInput {
  readonly architecture: Architecture;
  readonly version: string;
  readonly description: string;
}

/** The file name of the Debian package. */
export function debianName({ architecture, version }: Pick<DebianInput, 'architecture' | 'version'>): string {
  return `kube-rescue_${version}_${DEBIAN_ARCHITECTURE[architecture]}.deb`;
}

/**
 * Makes a Debian package of a prefix, for `/usr`. The libraries are those that Node's program names: glibc 2.28, and libstdc++
 * with the symbols of GCC 5.
 */
export async function makeDebianPackage(prefix: string, target: string, input: DebianInput): Promise<void> {
  const root = `${prefix}.deb-root`;
  await mkdir(path.join(root, 'DEBIAN'), { recursive: true });
  await cp(prefix, path.join(root, 'usr'), { recursive: true, verbatimSymlinks: true });
  const documents = path.join(root, 'usr/share/doc/kube-rescue');
  await writeFile(path.join(documents, 'copyright'), await readFile(path.join(documents, 'LICENSE')));
  const files = (await readdir(path.join(root, 'usr'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .toSorted();
  const contents = await Promise.all(files.map((file) => readFile(path.join(root, file))));
  const sums = files.map(
    (file, at) =>
      `${createHash('md5')
        .update(contents[at] ?? '')
        .digest('hex')}  ${file}\n`,
  );
  await writeFile(path.join(root, 'DEBIAN/md5sums'), sums.join(''));
  const kibibytes = Math.ceil(contents.reduce((total, { length }) => total + length, 0) / 1024);
  await writeFile(path.join(root, 'DEBIAN/control'), control(input, kibibytes));
  // dpkg-deb takes the date of newer files from here; and no group of this machine may write.
  await run('chmod', ['-R', 'u+rwX,go+rX,go-w', root]);
  await run('find', [root, '-exec', 'touch', '--no-dereference', `--date=@${input.epoch}`, '{}', '+']);
  const how = ['--root-owner-group', '-Zxz', `-z${input.compression}`, '--threads-max=1'];
  await run('dpkg-deb', [...how, '--build', root, target], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(input.epoch) },
  });
}

function control({ architecture, version, description }: DebianInput, kibibytes: number): string {
  return `Package: kube-rescue
Version: ${version}
Architecture: ${DEBIAN_ARCHITECTURE[architecture]}
Maintainer: The kube-rescue developers <kube-rescue@users.noreply.github.com>
Installed-Size: ${kibibytes}
Depends: libc6 (>= 2.28), libstdc++6 (>= 5.2), util-linux
Suggests: less, openssh-client, bash-completion
Section: admin
Priority: optional
Homepage: https://github.com/kube-rescue/kube-rescue
Description: ${description.replace(/\.$/, '')}
 One program that needs nothing else that works: no API server, no etcd, no
 network. kube-rescue triage finds the causes, kube-rescue recover asks, backs
 up, repairs and verifies, kube-rescue rollback restores every byte.
`;
}
