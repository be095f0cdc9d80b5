import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Architecture } from './executable.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '..');
const CACHE = path.join(ROOT, 'node_modules/.cache/node-binaries');

/** Node for a processor, as package-lock.json names it. */
export interface NodeBinary {
  readonly version: string;
  /** The absolute path of the program. */
  readonly program: string;
  readonly license: string;
}

/**
 * Finds the Node of this repository for a processor: the package that `npm ci` installed, or for another processor the package of
 * the same lock file, fetched by npm and compared with its SHA-512.
 *
 * @throws Error when the fetched package is not the one of the lock file
 */
export async function findNode(architecture: Architecture): Promise<NodeBinary> {
  const name = `node-linux-${architecture}`;
  const lock = JSON.parse(await readFile(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
  };
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json does not name ${name}`);
  const installed = path.join(ROOT, 'node_modules', name);
  const directory = (await exists(installed)) ? installed : await fetchNode(name, locked);
  return {
    version: locked.version,
    program: path.join(directory, 'bin/node'),
    license: path.join(directory, 'LICENSE'),
  };
}

async function fetchNode(
  name: string,
  { version, integrity }: { readonly version: string; readonly integrity: string },
): Promise<string> {
  const directory = path.join(CACHE, `${name}-${version}`);
  if (await exists(directory)) return directory;
  const unpacked = `${directory}.part`;
  await rm(unpacked, { recursive: true, force: true });
  await mkdir(unpacked, { recursive: true });
  await run('npm', ['pack', '--silent', '--pack-destination', unpacked, `${name}@${version}`], { cwd: unpacked });
  const archive = path.join(unpacked, `${name}-${version}.tgz`);
  const digest = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`;
  if (digest !== integrity) throw new Error(`${name} ${version} is not the package of package-lock.json: ${digest}`);
  await run('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1', '--no-same-owner']);
  await rm(archive);
  await rename(unpacked, directory);
  return directory;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
