import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PACKAGE = path.join(import.meta.dirname, '../../packaging/package.ts');

/** What `npm run package` writes, in a temporary directory. */
export interface Packaged {
  readonly directory: string;
  /** The executable for this processor. */
  readonly executable: string;
  remove(): Promise<void>;
}

/** Packages the built command line. */
export async function packageForTest(...flags: readonly string[]): Promise<Packaged> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-packaged-'));
  await run(process.execPath, [PACKAGE, '--output', path.join(directory, 'dist'), ...flags]);
  return {
    directory: path.join(directory, 'dist'),
    executable: path.join(directory, 'dist', `kube-rescue-linux-${process.arch}`),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A root directory that holds a program and the libraries that it is linked with, and nothing else. */
export async function bareRoot(executable: string): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-bare-'));
  const { stdout } = await run('ldd', [executable]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file);
  for (const file of libraries) {
    await mkdir(path.join(root, path.dirname(file)), { recursive: true });
    await cp(file, path.join(root, file), { dereference: true });
  }
  await mkdir(path.join(root, 'proc'));
  await cp(executable, path.join(root, 'kube-rescue'));
  return root;
}
