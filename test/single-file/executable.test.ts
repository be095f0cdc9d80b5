import { cp, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { requireProgram } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, type Ended, type PlantedNode, plantNode, runProgram } from '../../apps/cli/src/cli-process.fixture.ts';
import { bareRoot, packageForTest, type Packaged } from './packaged.fixture.ts';

const isRoot = process.getuid?.() === 0;

let packaged: Packaged;
let node: PlantedNode;
beforeAll(async () => {
  [packaged, node] = await Promise.all([
    packageForTest('--architecture', process.arch, '--bare'),
    plantNode({ expired: ['apiserver', 'admin.conf'] }),
  ]);
});
afterAll(() => Promise.all([packaged.remove(), node.remove()]));

/** As on a node in trouble: from `/`, without an environment. */
function runFile(...args: readonly string[]): Promise<Ended> {
  return runProgram(packaged.executable, args, { cwd: '/', env: {} });
}

function runBuild(...args: readonly string[]): Promise<Ended> {
  return runProgram(process.execPath, [BIN, ...args], { cwd: '/', env: {} });
}

describe('the single executable', () => {
  it.each([
    [['--version']],
    [['help']],
    [['--help']],
    [['help', 'certs', 'check']],
    [['-h']],
    [['version']],
    [['recover', '--help', '--verbose']],
    [['completion', 'bash']],
    [['completion', 'fish', '-o', 'yaml']],
    [['certs', 'check-expiration', '--root', '/does/not/exist']],
    [['recovr']],
    [['triage', '--jsno']],
    [['certs']],
    [['resurrect']],
    [['resurrect', '--json']],
    [['triage', '--deep', '--json']],
    [['rollback']],
    [['certs', 'check', '--warn-within', 'soon', '--json']],
    [['recover', '--resume', '--plan', 'x.json', '--json']],
    [['triage', '--root', '/does/not/exist']],
    [['runbook']],
    [['runbook', 'a-ca-has-expired']],
    [['runbook', 'rotate-a-ca', '--json']],
    [['etcd', 'status', '--kubernetes-dir', '/does/not/exist', '--json']],
    [['recover', '--kubernetes-dir', '/does/not/exist', '--yes', '--json']],
  ])('answers %j as the package of npm does, with the same exit status', async (args) => {
    const [file, build] = await Promise.all([runFile(...args), runBuild(...args)]);
    expect(file).toEqual(build);
    expect(file.stdout + file.stderr).not.toBe('');
  });

  it('has every command', async () => {
    const manifest = await readFile(new URL('../../apps/cli/oclif.manifest.json', import.meta.url), 'utf8');
    const { commands } = JSON.parse(manifest) as { readonly commands: object };
    for (const id of Object.keys(commands)) {
      // Loads its code, unlike help.
      const { exitCode, stderr } = await runFile(...id.split(':'), '--no-such-flag');
      const isDrill = id === 'drill';
      expect({ id, exitCode, stderr }).toEqual({
        ...{ id, exitCode: 2 },
        stderr: expect.stringContaining(isDrill ? 'DRILL_NOT_INSTALLED' : 'nonexistent flag: --no-such-flag'),
      });
    }
  });

  it('recovers a copy of a node, and rolls back', async () => {
    const copy = await plantNode({ expired: ['apiserver', 'admin.conf'] });
    const root = ['--root', copy.root];
    const steps: readonly (readonly [readonly string[], number])[] = [
      [['triage', ...root], 3],
      [['certs', 'check', ...root], 3],
      [['plan', ...root], 3],
      [['recover', ...root, '--json'], 2],
      [['recover', ...root, '--yes'], 0],
      [['certs', 'renew', 'apiserver', '--new-keys', ...root, '--yes'], 0],
      [['certs', 'check', ...root, '--json'], 0],
      [['runs', ...root], 0],
      [['report', 'latest', ...root], 0],
      [['rollback', 'latest', ...root, '--yes', '--force'], 0],
    ];
    for (const [args, expected] of steps) {
      const { exitCode, stderr } = await runFile(...args);
      expect({ args, exitCode, stderr: exitCode === expected ? '' : stderr }).toEqual({
        ...{ args, exitCode: expected, stderr: '' },
      });
    }
    await copy.remove();
  });

  it('says kubectl rescue where kubectl calls it', async () => {
    const plugin = path.join(packaged.directory, 'kubectl-rescue');
    await symlink(path.basename(packaged.executable), plugin);
    const { stdout } = await runProgram(plugin, ['triage', '--help'], { env: {} });
    await rm(plugin);
    expect(stdout).toContain('$ kubectl rescue triage');
  });

  it('loads no code that NODE_OPTIONS names', async () => {
    const env = { NODE_OPTIONS: '--require=/does/not/exist.js' };
    const { exitCode, stderr } = await runProgram(packaged.executable, ['--version'], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

describe.skipIf(!requireProgram('strace'))('the files that the single executable reads', () => {
  it('are those of the node and of the system, and none of Node or of a package', async () => {
    const trace = path.join(packaged.directory, 'trace');
    const { exitCode } = await runProgram(
      'strace',
      ['-f', '-y', '-e', 'trace=%file', '-o', trace, packaged.executable, 'certs', 'check', '--root', node.root],
      { cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
    );
    expect([0, 3]).toContain(exitCode);
    const text = await readFile(trace, 'utf8');
    const opened = [...text.matchAll(/open(?:at)?\([^"]*"([^"]+)".*= \d/g)].map(([, file = '']) => file);
    expect(opened.filter((file) => file.startsWith(node.root)).length).toBeGreaterThan(10);
    const known = [
      node.root,
      '/proc/',
      '/sys/',
      '/dev/',
      '/lib',
      '/usr/lib/',
      '/usr/share/',
      '/etc/',
      packaged.executable,
    ];
    const others = opened.filter((file) => !known.some((each) => file.startsWith(each)));
    expect(others).toEqual([]);
    expect(opened.filter((file) => /node_modules|package\.json/.test(file))).toEqual([]);
  });
});

describe.skipIf(!requireProgram('readelf'))('the libraries that the single executable needs', () => {
  it('are those of a system of 2018: glibc 2.28, libstdc++ of GCC 8', async () => {
    const { stdout: sections } = await runProgram('readelf', ['--dynamic', '--wide', packaged.executable]);
    const libraries = [...sections.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
    const known = /^(?:libdl|libstdc\+\+|libm|libgcc_s|libpthread|libc|ld-linux-[\w-]+)\.so\.\d$/;
    expect(libraries.filter((name) => !known.test(name ?? ''))).toEqual([]);
    expect(libraries).toContain('libc.so.6');
    const { stdout: versions } = await runProgram('readelf', ['--version-info', '--wide', packaged.executable]);
    const newest = (name: string): number =>
      Math.max(
        ...[...versions.matchAll(new RegExp(`Name: ${name}_[\\d.]*?(\\d+)\\s`, 'g'))].map(([, minor]) => Number(minor)),
      );
    expect(newest('GLIBC')).toBeLessThanOrEqual(28);
    expect(newest('GLIBCXX')).toBeLessThanOrEqual(25);
  });
});

describe.skipIf(!isRoot)('on a machine that has nothing', () => {
  it('works with a read-only root and no /tmp, HOME, locale, users or programs', async () => {
    const root = await bareRoot(packaged.executable);
    await mkdir(path.join(root, 'node01'));
    await cp(node.root, path.join(root, 'node01'), { recursive: true });
    const script = [
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t proc proc "$1/proc"',
      'shift; exec env -i "$(command -v chroot)" "$@"',
    ];
    const inside = (...args: readonly string[]): Promise<Ended> =>
      runProgram('unshare', [
        ...['--mount', '--pid', '--fork', 'sh', '-c', script.join(' || exit 99\n'), 'sh', root],
        ...[root, '/kube-rescue', ...args],
      ]);
    const version = await inside('--version');
    expect(version).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringMatching(/^kube-rescue\/\d/) });
    const triage = await inside('triage', '--root', '/node01', '--json');
    expect({ ...triage, stdout: '' }).toMatchObject({ exitCode: 3 });
    expect(JSON.parse(triage.stdout)).toMatchObject({ ok: true, result: { healthy: false } });
    const recovery = await inside('recover', '--root', '/node01', '--yes', '--json');
    expect(recovery.exitCode).toBe(4);
    expect(JSON.parse(recovery.stdout)).toMatchObject({ ok: false });
    expect(await readdir(path.join(root, 'node01/var/lib'))).toEqual(await readdir(path.join(node.root, 'var/lib')));
    await rm(root, { recursive: true, force: true });
  });

  it.each([
    ['from which no program may run', 'noexec'],
    ['without space', 'size=4k'],
  ])('recovers a copy beside a /tmp %s', async (_what, options) => {
    const copy = await plantNode({ expired: ['apiserver', 'admin.conf'] });
    const script = [
      'mount --bind "$1" /mnt && mount --bind "$2" /media && mount -t tmpfs -o "$3" tmpfs /tmp',
      'test "$3" = noexec || ! head -c 8192 /dev/zero >/tmp/full 2>/dev/null',
      'shift 3; exec env -i "$@"',
    ];
    const { exitCode, stdout } = await runProgram('unshare', [
      ...['--mount', 'sh', '-c', script.join(' || exit 99\n'), 'sh', packaged.directory, copy.root, options],
      ...[`/mnt/${path.basename(packaged.executable)}`, 'recover', '--root', '/media', '--yes', '--json'],
    ]);
    expect({ exitCode, document: JSON.parse(stdout) as object }).toMatchObject({ exitCode: 0, document: { ok: true } });
    await copy.remove();
  });
});
