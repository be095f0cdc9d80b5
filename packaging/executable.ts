import { createLocalHost, systemClock } from '@kube-rescue/host';
import { provideDebianPackages } from '@kube-rescue/lab';
import { execFile } from 'node:child_process';
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'postject';

const run = promisify(execFile);

/** Marks in Node where an injected program is announced: https://nodejs.org/api/single-executable-applications.html */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

export type Architecture = 'x64' | 'arm64';

/** The programs of Debian's binutils for each processor, and their packages. */
const STRIP: Readonly<Record<Architecture, { readonly program: string; readonly debianPackage: string }>> = {
  x64: { program: 'x86_64-linux-gnu-strip', debianPackage: 'binutils-x86-64-linux-gnu' },
  arm64: { program: 'aarch64-linux-gnu-strip', debianPackage: 'binutils-aarch64-linux-gnu' },
};

export interface ExecutableInput {
  readonly architecture: Architecture;
  /** Node for that processor, of the version that runs this. */
  readonly node: string;
  /** A CommonJS script, in the working directory: its name without a path gets into the file. */
  readonly script: string;
  /** Files that the program reads out of itself, by name. */
  readonly assets: Readonly<Record<string, string>>;
  readonly target: string;
}

/**
 * Puts a script and its files into a copy of Node. The same input makes the same bytes.
 *
 * @param directory the working directory; intermediate files stay in it
 * @throws LabError when strip is missing and cannot be installed, with the command to run
 */
export async function makeExecutable(input: ExecutableInput, directory: string): Promise<void> {
  const { architecture, node, script, assets, target } = input;
  const blob = `${architecture}.blob`;
  const config = `${architecture}.json`;
  await writeFile(
    path.join(directory, config),
    JSON.stringify({
      main: script,
      output: blob,
      assets,
      disableExperimentalSEAWarning: true,
      // Code that V8 compiled for this processor is no use on another.
      useCodeCache: architecture === process.arch,
      // Root runs it: NODE_OPTIONS of root's environment must not load other code.
      execArgvExtension: 'none',
    }),
  );
  // The code cache is laid out by hashes that V8 seeds at random, which is not part of what it must agree with to be used.
  await run(process.execPath, ['--random-seed=1', '--experimental-sea-config', config], { cwd: directory });
  await copyFile(node, target);
  await chmod(target, 0o755);
  // Before the injection: afterwards strip would damage the file.
  await strip(target, architecture);
  await inject(target, 'NODE_SEA_BLOB', await readFile(path.join(directory, blob)), { sentinelFuse: FUSE });
}

async function strip(file: string, architecture: Architecture): Promise<void> {
  const { program, debianPackage } = STRIP[architecture];
  try {
    await run(program, ['--strip-all', file]);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const onProgress = ({ message }: { readonly message: string }): boolean => process.stderr.write(`${message}\n`);
    await provideDebianPackages([debianPackage], { host: createLocalHost(), clock: systemClock, onProgress });
    await run(program, ['--strip-all', file]);
  }
}
