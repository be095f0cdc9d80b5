import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { requireProgram } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlantedNode, plantNode, runProgram } from '../../apps/cli/src/cli-process.fixture.ts';
import { packageForTest, type Packaged } from './packaged.fixture.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const NAME = 'kube-rescue-linux-x64';
/** Without the environment of this machine. */
const BARE = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'];

let packaged: Packaged;
let prefix: string;
let node: PlantedNode;
beforeAll(async () => {
  node = await plantNode({ expired: ['apiserver'] });
  packaged = await packageForTest('--compression', '1');
  prefix = path.join(packaged.directory, '..', NAME);
  await run('tar', ['-xf', path.join(packaged.directory, `${NAME}.tar.xz`), '-C', path.dirname(prefix)]);
}, 1_800_000);
afterAll(() => Promise.all([packaged.remove(), node.remove()]));

async function answerOf(program: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram(program, args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

/** The site from which this machine gets Debian packages. */
async function debianSite(): Promise<string> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']);
  const [site] = stdout.split('\n');
  if (site === undefined || site === '') throw new Error('apt names no site');
  return site;
}

/** Installs or unpacks Debian below a directory; debootstrap keeps the downloaded packages in a cache. */
async function debootstrap(directory: string, suite: string, ...flags: readonly string[]): Promise<void> {
  const cache = path.join(homedir(), '.cache/kube-rescue/debootstrap', suite);
  await mkdir(cache, { recursive: true });
  const keep = ['--variant=minbase', `--cache-dir=${cache}`, '--include=libstdc++6'];
  const { exitCode, stdout } = await runProgram('debootstrap', [
    ...keep,
    ...flags,
    suite,
    directory,
    await debianSite(),
  ]);
  expect({ exitCode, stdout: exitCode === 0 ? '' : stdout }).toEqual({ exitCode: 0, stdout: '' });
}

describe('the files that npm run package writes', () => {
  it('are the same, byte for byte, when they are written again', async () => {
    const sums = await readFile(path.join(packaged.directory, 'SHA256SUMS'), 'utf8');
    const again = await packageForTest('--compression', '1');
    expect(await readFile(path.join(again.directory, 'SHA256SUMS'), 'utf8')).toBe(sums);
    await again.remove();
    const names = sums
      .trim()
      .split('\n')
      .map((line) => line.split('  ')[1]);
    expect(names).toEqual([
      ...['kube-rescue-linux-arm64', 'kube-rescue-linux-arm64.tar.gz', 'kube-rescue-linux-arm64.tar.xz'],
      ...[
        'kube-rescue-linux-x64',
        'kube-rescue-linux-x64.tar.gz',
        'kube-rescue-linux-x64.tar.xz',
        'kube-rescue.cdx.json',
      ],
      ...['kube-rescue_0.1.0_amd64.deb', 'kube-rescue_0.1.0_arm64.deb', 'rescue.yaml'],
    ]);
    const checked = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: packaged.directory });
    expect(checked.stdout).toContain(`${NAME}: OK`);
  }, 1_800_000);

  it('unpack to a prefix with a program that works and its documents, owned by root', async () => {
    expect(await answerOf(path.join(prefix, 'bin/kubectl-rescue'), '--version')).toMatch(/^kube-rescue\/\d/);
    const listed = await answerOf('tar', '--numeric-owner', '-tvf', path.join(packaged.directory, `${NAME}.tar.gz`));
    expect(listed).not.toMatch(/^\S+ (?!0\/0 )/m);
    expect(await readdir(path.join(prefix, 'share/doc/kube-rescue'))).toEqual([
      ...['LICENSE', 'THIRD-PARTY-LICENSES', 'runbooks'],
    ]);
    const licenses = await readFile(path.join(prefix, 'share/doc/kube-rescue/THIRD-PARTY-LICENSES'), 'utf8');
    for (const each of ['@oclif/core ', 'node-forge ', 'yaml ', 'undici ', 'Node.js\n'])
      expect(licenses).toContain(each);
  });

  it('list every package that is in the executable, and Node', async () => {
    const bom = JSON.parse(await readFile(path.join(packaged.directory, 'kube-rescue.cdx.json'), 'utf8')) as {
      readonly bomFormat: string;
      readonly components: readonly { readonly name: string; readonly version: string; readonly group?: string }[];
    };
    expect(bom.bomFormat).toBe('CycloneDX');
    const lock = JSON.parse(await readFile(new URL('../../apps/cli/npm-shrinkwrap.json', import.meta.url), 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly version: string }>>;
    };
    const listed = bom.components.map(({ name, version }) => `${name}@${version}`);
    const locked = Object.entries(lock.packages).flatMap(([key, { version }]) =>
      key === '' ? [] : [`${key.slice(key.lastIndexOf('node_modules/') + 13)}@${version}`],
    );
    expect(locked.filter((each) => !listed.includes(each))).toEqual([]);
    expect(listed).toContain(`node@${process.versions.node}`);
  });
});

describe.skipIf(!requireProgram('man'))('the man pages', () => {
  it('are read without a warning, one of the program and one of each command', async () => {
    const directory = path.join(prefix, 'share/man/man1');
    const pages = await readdir(directory);
    expect(pages.length).toBeGreaterThan(30);
    const page = await answerOf('man', '-M', path.join(prefix, 'share/man'), 'kube-rescue-certs-check');
    expect(page.replaceAll(/\s+/g, ' ')).toContain('warn and exit 3 for certificates that expire within this time');
    const named = pages.map((name) => path.join(directory, name));
    expect(await answerOf('man', '--warnings', '--local-file', ...named)).toContain('EXIT STATUS');
  });
});

describe.skipIf(!requireProgram('bash', 'zsh', 'fish'))('completion', () => {
  it('of bash offers commands, flags and values', async () => {
    const script = path.join(prefix, 'share/bash-completion/completions/kube-rescue');
    const offer = (...words: readonly string[]): Promise<string> =>
      answerOf(
        'bash',
        '-c',
        `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kube_rescue; echo "\${COMPREPLY[*]}"`,
        ...[script, ...words],
      );
    expect(await offer('kube-rescue', 'cer')).toBe('certs\n');
    expect(await offer('kube-rescue', 'certs', 'c')).toBe('check csr\n');
    expect(await offer('kube-rescue', 'certs', 'csr', '')).toBe('export import\n');
    expect(await offer('kube-rescue', 'certs', 'check', '--warn')).toBe('--warn-within\n');
    expect(await offer('kubectl-rescue', 'certs', 'check', '--output', '')).toBe('table json yaml wide prometheus\n');
  });

  it('of fish offers commands, flags and values', async () => {
    const script = path.join(prefix, 'share/fish/vendor_completions.d/kube-rescue.fish');
    const offer = async (line: string): Promise<readonly string[]> => {
      const text = await answerOf('fish', '--no-config', '-c', `source ${script}; complete -C '${line}'`);
      return text
        .trim()
        .split('\n')
        .map((each) => each.split('\t')[0] ?? '');
    };
    expect(await offer('kube-rescue cer')).toEqual(['certs']);
    expect(await offer('kube-rescue certs csr ')).toEqual(['export', 'import']);
    expect(await offer('kube-rescue certs check --warn')).toEqual(['--warn-within']);
    expect(await offer('kubectl-rescue certs check --output ')).toEqual([
      'json',
      'prometheus',
      'table',
      'wide',
      'yaml',
    ]);
  });

  it('of zsh completes commands, flags and values on a terminal', async () => {
    const script = path.join(packaged.directory, '../complete.zsh');
    await writeFile(
      script,
      `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($1 \\$fpath); autoload -U compinit; compinit -u -D; echo rea''dy"
zpty -r shell out '*ready*'
zpty -w -n shell "$2"$'\\t'
zpty -r shell out "*$3*"
print -r -- "$out"
`,
    );
    const functions = path.join(prefix, 'share/zsh/vendor-completions');
    const complete = (line: string, wanted: string): Promise<string> =>
      answerOf('timeout', '20', 'zsh', '-f', script, functions, line, wanted);
    expect(await complete('kube-rescue cer', 'kube-rescue certs')).toContain('certs');
    expect(await complete('kube-rescue certs csr exp', 'csr export')).toContain('export');
    expect(await complete('kube-rescue certs check --warn', '--warn-within')).toContain('--warn-within');
    expect(await complete('kube-rescue certs check --output prom', 'prometheus')).toContain('prometheus');
  });
});

describe.skipIf(!isRoot || !requireProgram('debootstrap'))('on Debian 11', () => {
  it('the package installs, works and is removed without a trace', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-debian-11-'));
    await debootstrap(root, 'bullseye');
    await cp(path.join(packaged.directory, 'kube-rescue_0.1.0_amd64.deb'), path.join(root, 'kube-rescue.deb'));
    await cp(node.root, path.join(root, 'node01'), { recursive: true });
    const inside = (...args: readonly string[]): Promise<string> => answerOf('chroot', root, ...BARE, ...args);
    const before = await inside('find', '/', '-xdev', '-name', '*rescue*');
    await inside('dpkg', '--install', '/kube-rescue.deb');
    expect(await inside('dpkg', '--verify', 'kube-rescue')).toBe('');
    expect(await inside('kube-rescue', '--version')).toMatch(/^kube-rescue\/\d/);
    expect(await inside('kube-rescue', 'runbook', 'a-ca-has-expired')).toContain('# A CA has expired');
    const triage = await runProgram('chroot', [root, ...BARE, 'kubectl-rescue', 'triage', '--root', '/node01']);
    expect({ exitCode: triage.exitCode, stderr: triage.stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(triage.stdout).toContain('PKI_CERTIFICATE_EXPIRED');
    await inside('dpkg', '--remove', 'kube-rescue');
    expect(await inside('find', '/', '-xdev', '-name', '*rescue*')).toBe(before);
    await rm(root, { recursive: true, force: true });
  }, 1_800_000);
});

describe.skipIf(!isRoot || !requireProgram('debootstrap', 'qemu-aarch64-static', 'readelf'))(
  'the executable for arm64',
  () => {
    it('is a program of that processor, which answers under emulation', async () => {
      const program = path.join(packaged.directory, 'kube-rescue-linux-arm64');
      expect(await answerOf('readelf', '--file-header', program)).toMatch(/Machine:\s+AArch64/);
      const root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-arm64-'));
      await debootstrap(root, 'bookworm', '--arch=arm64', '--foreign');
      const libraries = (await readdir(path.join(root, 'var/cache/apt/archives'))).filter((name) =>
        name.startsWith('libstdc++6_'),
      );
      for (const name of libraries)
        await run('dpkg-deb', ['-x', path.join(root, 'var/cache/apt/archives', name), root]);
      const emulate = (...args: readonly string[]): ReturnType<typeof runProgram> =>
        runProgram('qemu-aarch64-static', ['-L', root, program, ...args]);
      expect(await emulate('--version')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('linux-arm64') });
      const triage = await emulate('triage', '--root', node.root);
      expect(triage.stdout).toContain('PKI_CERTIFICATE_EXPIRED');
      expect(triage.exitCode).toBe(3);
      await rm(root, { recursive: true, force: true });
    }, 1_800_000);
  },
);
