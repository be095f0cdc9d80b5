import { createLocalHost, hostPath } from '@kube-rescue/host';
import { expectCode } from '@kube-rescue/testing';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JoinBundleInput, writeJoinBundle } from '../index.ts';

const KUBECONFIG = '/etc/kubernetes/kubeconfig';
const ADDED = '/etc/kubernetes/ca.crt';

let localFiles: string;
let root: string;
let manager: string;
const at = (name: string): string => path.join(localFiles, name);

/** Restarts and logs, as systemctl; fails while the file `broken` exists. */
const MANAGER = `#!/bin/sh
echo "$@" >> "$(dirname "$0")/told"
[ ! -e "$(dirname "$0")/broken" ]
`;

beforeEach(async () => {
  localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-bundle-'));
  root = at('root');
  manager = at('manager');
  await mkdir(path.join(root, 'etc/kubernetes'), { recursive: true });
  await writeFile(path.join(root, KUBECONFIG), 'old', { mode: 0o640 });
  await chmod(path.join(root, KUBECONFIG), 0o640);
  await writeFile(manager, MANAGER, { mode: 0o755 });
});

afterEach(() => rm(localFiles, { recursive: true, force: true }));

async function bundle(parts: Partial<JoinBundleInput> = {}): Promise<void> {
  const files = [
    { path: KUBECONFIG, mode: 0o600, content: Buffer.from('new\n\0bytes') },
    { path: ADDED, mode: 0o644, content: Buffer.from('new ca') },
  ];
  const input = {
    node: 'node02',
    names: [hostname()],
    kubeletService: 'kubelet',
    serviceCommand: manager,
    files,
    ...parts,
  };
  await writeJoinBundle(input, hostPath(at('bundle')), createLocalHost());
}

async function run(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly said: string }> {
  return new Promise((resolve) => {
    execFile('sh', ['join.sh', '--root', root, ...args], { cwd: at('bundle') }, (error, _stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), said: stderr });
    });
  });
}

async function written(): Promise<readonly (readonly [string, string, number])[]> {
  const names = (await readdir(path.join(root, 'etc/kubernetes'))).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const file = path.join(root, 'etc/kubernetes', name);
      return [name, await readFile(file, 'utf8'), (await stat(file)).mode & 0o7777] as const;
    }),
  );
}

const OLD = [['kubeconfig', 'old', 0o640]];
const NEW = [
  ['ca.crt', 'new ca', 0o644],
  ['kubeconfig', 'new\n\0bytes', 0o600],
];

// The script keeps owners, so only root runs it.
describe.runIf(process.getuid?.() === 0)('a bundle on a worker', () => {
  it('rejoins the worker with one command, and prints how to undo it', async () => {
    await bundle();
    expect((await stat(at('bundle'))).mode & 0o7777).toBe(0o700);
    const { exitCode, said } = await run();
    expect({ exitCode, said }).toMatchObject({ exitCode: 0 });
    expect(await written()).toEqual(NEW);
    expect(await readFile(at('told'), 'utf8')).toBe('restart kubelet\nstatus kubelet\n');
    expect(said).toContain('join.sh --undo');
    const undone = await run('--undo');
    expect(undone).toMatchObject({ exitCode: 0 });
    expect(await written()).toEqual(OLD);
  });

  it('refuses to overwrite its backup', async () => {
    await bundle();
    await run();
    expect((await run()).exitCode).toBe(4);
    await run('--undo');
    expect(await written()).toEqual(OLD);
    expect((await run()).exitCode).toBe(0);
    expect(await written()).toEqual(NEW);
  });

  it('refuses on another machine', async () => {
    await bundle({ names: ['node02', 'node02.example.test'] });
    const { exitCode, said } = await run();
    expect(exitCode).toBe(4);
    expect(said).toContain(`for node02, and this machine is ${hostname()}`);
    expect(await written()).toEqual(OLD);
  });

  const [own] = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal }) => !internal);

  it.runIf(own !== undefined)(
    'knows the machine by its address, too, for kubelets that have it as their name',
    async () => {
      await bundle({ names: [own?.address ?? ''] });
      expect((await run()).exitCode).toBe(0);
    },
  );

  it('does not identify a machine by a loopback address', async () => {
    await bundle({ names: ['127.0.0.1', '::1'] });
    expect((await run()).exitCode).toBe(4);
  });

  it.each(['files/0', 'files/1'])('refuses when %s was damaged on the way', async (name) => {
    await bundle();
    await writeFile(path.join(at('bundle'), name), 'half');
    expect((await run()).exitCode).toBe(4);
    await rm(path.join(at('bundle'), name));
    expect((await run()).exitCode).toBe(4);
    expect(await written()).toEqual(OLD);
  });

  it('restores written files when a later one cannot be written', async () => {
    const [first] = [{ path: KUBECONFIG, mode: 0o600, content: Buffer.from('new') }];
    const second = { path: '/etc/kubernetes/pki/ca.crt', mode: 0o644, content: Buffer.from('new ca') };
    await mkdir(path.join(root, 'etc/kubernetes/pki'));
    // A directory blocks the path of the temporary file.
    await mkdir(path.join(root, 'etc/kubernetes/pki/.ca.crt.kube-rescue.tmp'));
    await bundle({ files: [first, second].filter((file) => file !== undefined) });
    const { exitCode, said } = await run();
    expect({ exitCode, said }).toMatchObject({ exitCode: 5 });
    expect(await readFile(path.join(root, KUBECONFIG), 'utf8')).toBe('old');
    await expect(readFile(at('told'), 'utf8')).rejects.toThrow('ENOENT');
  });

  it('fails when the kubelet does not run', async () => {
    await bundle();
    await writeFile(at('broken'), '');
    const { exitCode, said } = await run();
    expect(exitCode).toBe(7);
    expect(said).toContain('--undo');
    await rm(at('broken'));
    expect((await run('--undo')).exitCode).toBe(0);
    expect(await written()).toEqual(OLD);
  });

  it('has nothing to undo before a join', async () => {
    await bundle();
    expect((await run('--undo')).exitCode).toBe(4);
  });

  it('is not written into a directory that is not empty', async () => {
    await bundle();
    await expectCode(bundle(), 'JOIN_FILE_INVALID');
  });

  it.each(["node'; reboot; '", 'node02\nreboot', '$(reboot)', '-x', 'a b'])(
    'carries no name such as %j',
    async (node) => {
      await expectCode(bundle({ node }), 'JOIN_NODE_INVALID');
      await expectCode(bundle({ names: [node] }), 'JOIN_NODE_INVALID');
      await expectCode(bundle({ kubeletService: node }), 'JOIN_FILE_INVALID');
      const files = [{ path: `/etc/${node}`, mode: 0o600, content: Buffer.from('x') }];
      if (node !== '-x') await expectCode(bundle({ files }), 'JOIN_FILE_INVALID');
      await expect(readdir(at('bundle'))).rejects.toThrow('ENOENT');
    },
  );

  it.each(['x/../../../../etc', '..', '../etc', 'a/b', '.hidden'])(
    'is refused for the node name %j, which would escape the backup directory on the worker',
    async (node) => {
      await expectCode(bundle({ node }), 'JOIN_NODE_INVALID');
      await expect(readdir(at('bundle'))).rejects.toThrow('ENOENT');
    },
  );

  it.each([
    ['10,000 addresses', Array.from({ length: 10_000 }, (_each, index) => `10.0.${index >> 8}.${index & 255}`)],
    ['a name of a megabyte', ['x'.repeat(2 ** 20)]],
  ])('is refused for a Node with %s, in one short line', async (_what, names) => {
    const failure = await expectCode(bundle({ names }), 'JOIN_NODE_INVALID');
    expect(failure.message.length).toBeLessThan(200);
  });
});
