import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { installAlone, packAll } from './e2e/packages/tarballs.fixture.ts';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>;
}

it('installing the command line brings exactly the versions of its npm-shrinkwrap.json', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-shrinkwrap-'));
  try {
    const tarballs = await packAll(directory);
    const cli = tarballs.find(({ manifest }) => manifest.name === 'kube-rescue');
    if (cli === undefined) throw new Error('the command line was not packed');
    const project = path.join(directory, 'project');
    await installAlone(cli, tarballs, project);
    const installed = JSON.parse(await readFile(path.join(project, 'node_modules/.package-lock.json'), 'utf8')) as Lock;
    const { packages } = JSON.parse(await cli.text('npm-shrinkwrap.json')) as Lock;
    const below = 'node_modules/kube-rescue/';
    const versions = Object.entries(installed.packages)
      .filter(([key]) => key.startsWith(below))
      .map(([key, { version }]) => [key.slice(below.length), version] as const);
    expect(versions.length).toBeGreaterThan(150);
    for (const [key, version] of versions) expect(version, key).toBe(packages[key]?.version);
    const missing = Object.entries(packages).filter(
      ([key, { optional }]) => key !== '' && optional !== true && !versions.some(([each]) => each === key),
    );
    expect(missing).toEqual([]);
    const { stdout } = await promisify(execFile)(path.join(project, 'node_modules/.bin/kube-rescue'), ['--version']);
    expect(stdout).toContain('kube-rescue/');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 300_000);
