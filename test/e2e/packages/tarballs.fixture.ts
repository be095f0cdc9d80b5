import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
const TIMEOUT_MS = 240_000;

/** The published fields of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly private?: boolean;
  readonly engines?: { readonly node?: string };
  readonly repository?: { readonly directory?: string };
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly sideEffects?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A package of this repository as it would be published. */
export interface Tarball {
  readonly manifest: Manifest;
  /** The package's directory, from the root of the repository. */
  readonly directory: string;
  readonly file: string;
  /** Its files, as paths from the package's root. */
  readonly files: readonly string[];
  text(file: string): Promise<string>;
}

/** Packs every public package of the repository from its build. */
export async function packAll(into: string): Promise<readonly Tarball[]> {
  const directories = (await readdir(path.join(ROOT, 'packages'))).map((name) => `packages/${name}`);
  const packed = await Promise.all(
    [...directories, 'apps/cli', 'apps/drill'].map((directory) => pack(directory, into)),
  );
  return packed.filter((tarball) => tarball !== undefined);
}

async function pack(directory: string, into: string): Promise<Tarball | undefined> {
  const manifest = JSON.parse(await readFile(path.join(ROOT, directory, 'package.json'), 'utf8')) as Manifest;
  if (manifest.private === true) return undefined;
  const argv = ['pack', '--json', '--ignore-scripts', '--pack-destination', into];
  await run('npm', argv, { cwd: path.join(ROOT, directory), timeout: TIMEOUT_MS, maxBuffer: 1e8 });
  const file = path.join(into, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
  const { stdout } = await run('tar', ['--list', '--gzip', '--file', file], { maxBuffer: 1e8 });
  const files = stdout
    .trim()
    .split('\n')
    .map((each) => each.replace(/^package\//, ''));
  const unpacked = path.join(into, path.basename(directory));
  await mkdir(unpacked);
  await run('tar', ['--extract', '--gzip', '--file', file, '--directory', unpacked, '--strip-components=1']);
  return { manifest, directory, file, files, text: (each) => readFile(path.join(unpacked, each), 'utf8') };
}

/**
 * Creates a project with one package and its dependencies, those of this repository from a registry with their tarballs, others
 * preferably from npm's cache.
 * @param peers further dependencies, by name: the optional peers that its example uses
 */
export async function installAlone(
  tarball: Tarball,
  all: readonly Tarball[],
  project: string,
  peers: Readonly<Record<string, string>> = {},
): Promise<void> {
  await mkdir(project);
  const { name, version } = tarball.manifest;
  await writeFile(
    path.join(project, 'package.json'),
    JSON.stringify({ type: 'module', dependencies: { [name]: version, ...peers } }),
  );
  const registry = await startRegistry(all);
  try {
    // npm's cache is by address, so only what is here comes from here, where the name allows it.
    const scope = name.startsWith('@kube-rescue/') ? '--@kube-rescue:registry' : '--registry';
    const options = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    await run('npm', ['install', `${scope}=${registry.url}`, ...options], { cwd: project, timeout: TIMEOUT_MS });
  } finally {
    registry.close();
  }
}

/** A registry on this machine with the packages of this repository; it redirects to npm's registry for others. */
async function startRegistry(all: readonly Tarball[]): Promise<{ readonly url: string; readonly close: () => void }> {
  const { stdout: upstream } = await run('npm', ['config', 'get', 'registry']);
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '').slice(1).replace(/\.tgz$/, ''));
    const found = all.find(({ manifest }) => manifest.name === name);
    const other = new URL(request.url ?? '', upstream.trim()).href;
    if (found === undefined) response.writeHead(302, { location: other }).end();
    else if (request.url?.endsWith('.tgz') === true) createReadStream(found.file).pipe(response);
    else response.end(JSON.stringify(describe(found, url)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url, close };
}

function describe({ manifest, file, files }: Tarball, url: string): object {
  const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  const dist = { tarball: `${url}${encodeURIComponent(manifest.name)}.tgz`, integrity };
  const { name, version } = manifest;
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist, _hasShrinkwrap: files.includes('npm-shrinkwrap.json') } },
  };
}

/** The names of the packages that built files import, without Node's own. */
export async function importsOf(tarball: Tarball): Promise<ReadonlySet<string>> {
  const code = tarball.files.filter((file) => /\.(?:js|d\.ts)$/.test(file));
  const found = await Promise.all(code.map(async (file) => specifiersIn(await tarball.text(file))));
  return new Set(found.flat());
}

const SPECIFIER = /^(?:import|export)\b[^'"]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;

function specifiersIn(code: string): readonly string[] {
  return [...code.matchAll(SPECIFIER)]
    .map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map((specifier) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/'),
    );
}
