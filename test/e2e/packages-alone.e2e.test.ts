import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { requireProgram } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REHEARSALS, type Rehearsal } from './packages/examples.fixture.ts';
import { installAlone, packAll, ROOT, type Tarball } from './packages/tarballs.fixture.ts';

const run = promisify(execFile);
/** Programs, not libraries. */
const APPS = ['kube-rescue', '@kube-rescue/drill'];
const TIMEOUT_MS = 300_000;
/** Runs a program as an unprivileged user in a user namespace. */
const UNPRIVILEGED = ['unshare', '--user', '--map-user=65534', '--map-group=65534'];

let directory = '';
let tarballs: readonly Tarball[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-packages-'));
  await chmod(directory, 0o755);
  await mkdir(path.join(directory, 'packed'));
  tarballs = await packAll(path.join(directory, 'packed'));
}, TIMEOUT_MS);

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('a package alone in an empty project', () => {
  it('is rehearsed for every library', () => {
    const libraries = tarballs.map(({ manifest }) => manifest.name).filter((name) => !APPS.includes(name));
    const rehearsed = new Set(Object.keys(REHEARSALS).map((each) => `@kube-rescue/${exampleOf(each).name}`));
    expect([...rehearsed].toSorted()).toEqual(libraries.toSorted());
  });

  it.for(Object.entries(REHEARSALS))(
    'works as in its README: %s',
    { timeout: TIMEOUT_MS },
    async ([id, rehearsal], { skip }) => {
      skip(rehearsal.needs !== undefined && !requireProgram(...rehearsal.needs));
      const { name, index } = exampleOf(id);
      const project = path.join(directory, id.replace(' ', '-'));
      await installAlone(find(`@kube-rescue/${name}`), tarballs, project, rehearsal.peers);
      const example = await readExample(project, name, index);
      await compile(project, example);
      const { exitCode, output } = await runExample(project, example, rehearsal);
      expect(output).toMatch(rehearsal.prints);
      expect(exitCode).toBe(rehearsal.exitCode ?? 0);
    },
  );

  it(
    'starts the command line under both names',
    async () => {
      const project = path.join(directory, 'cli');
      const tarball = find('kube-rescue');
      await installAlone(tarball, tarballs, project);
      for (const bin of ['kube-rescue', 'kubectl-rescue']) {
        const program = path.join(project, 'node_modules/.bin', bin);
        const { stdout } = await run(program, ['--version']);
        expect(stdout).toContain(`kube-rescue/${tarball.manifest.version} `);
      }
      const help = await run(path.join(project, 'node_modules/.bin/kube-rescue'), ['recover', '--help']);
      expect(help.stdout).toContain('EXIT CODES');
    },
    TIMEOUT_MS,
  );
});

function find(name: string): Tarball {
  const found = tarballs.find(({ manifest }) => manifest.name === name);
  if (found === undefined) throw new Error(`${name} was not packed`);
  return found;
}

function exampleOf(id: string): { readonly name: string; readonly index: number } {
  const [name = '', number = '1'] = id.split(' ');
  return { name, index: Number(number) - 1 };
}

async function readExample(project: string, name: string, index: number): Promise<string> {
  const readme = await readFile(path.join(project, 'node_modules/@kube-rescue', name, 'README.md'), 'utf8');
  const [, example] = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)][index] ?? [];
  if (example === undefined) throw new Error(`the README of ${name} has no example ${index + 1}`);
  return example;
}

/** Compiles in strict mode, with only the types of Node.js. */
async function compile(project: string, example: string): Promise<void> {
  await mkdir(path.join(project, 'node_modules/@types'), { recursive: true });
  for (const name of ['@types/node', 'undici-types']) {
    const link = path.join(project, 'node_modules', name);
    await symlink(path.join(ROOT, 'node_modules', name), link).catch(() => undefined);
  }
  await writeFile(path.join(project, 'example.ts'), example);
  const compilerOptions = {
    ...{ target: 'es2024', module: 'nodenext', strict: true, noEmit: true, skipLibCheck: true, types: ['node'] },
    lib: ['es2024', 'esnext.array', 'dom'],
  };
  await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }));
  const compiled = run(path.join(ROOT, 'node_modules/.bin/tsc'), ['-p', project]);
  await expect(compiled.catch((error: { stdout?: string }) => error.stdout)).resolves.toMatchObject({ stdout: '' });
}

async function runExample(
  project: string,
  example: string,
  { prepare, unprivileged = false }: Rehearsal,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const workDirectory = await mkdtemp(path.join(directory, 'work-'));
  const { replace = {}, env = {}, stop } = (await prepare?.(workDirectory)) ?? {};
  try {
    const code = Object.entries(replace).reduce((text, [from, to]) => text.replaceAll(from, to), example);
    await writeFile(path.join(project, 'example.ts'), code);
    const [program = '', ...argv] = [
      ...(unprivileged && process.getuid?.() === 0 ? UNPRIVILEGED : []),
      ...isolated(unprivileged),
    ];
    const options = { cwd: project, env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env } };
    const ended = run(program, [...argv, process.execPath, 'example.ts'], options);
    return await ended.then(
      ({ stdout, stderr }) => ({ exitCode: 0, output: stdout + stderr }),
      (error: { code?: number; stdout?: string; stderr?: string }) => {
        return { exitCode: error.code ?? -1, output: `${error.stdout ?? ''}${error.stderr ?? ''}` };
      },
    );
  } finally {
    await stop?.();
  }
}

/** A PID namespace hides the kubelet of this machine or of a lab. */
function isolated(unprivileged: boolean): readonly string[] {
  const isRoot = process.getuid?.() === 0;
  return isRoot && !unprivileged ? ['unshare', '--pid', '--fork', '--mount-proc'] : ['env'];
}
