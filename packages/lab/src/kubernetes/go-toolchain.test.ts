import { createLocalHost } from '@kube-rescue/host';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findGo, isAtLeast } from './go-toolchain.ts';

const deps = { host: createLocalHost() };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'go-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** Puts a Go of this version in front of the PATH. */
async function plantGo(version: string): Promise<string> {
  const bin = path.join(directory, version);
  await mkdir(bin);
  await writeFile(path.join(bin, 'go'), `#!/bin/sh\necho go${version}\n`);
  await chmod(path.join(bin, 'go'), 0o755);
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
  return path.join(bin, 'go');
}

describe('the Go for a build', () => {
  it('is the first in PATH that is new enough', async () => {
    const good = await plantGo('99.4.1');
    await plantGo('1.19.8');
    expect(await findGo('99.3', deps)).toEqual({ program: good, version: '99.4.1' });
  });

  it('is missing with the names of those that are too old', async () => {
    const old = await plantGo('1.19.8');
    expect(await findGo('99.3', deps)).toMatch(/^no Go 99\.3 or later in PATH or \/usr\/local\/go \(/);
    expect(await findGo('99.3', deps)).toContain(`${old} is 1.19.8`);
  });

  it.each([
    ['1.26.8', true],
    ['1.27', true],
    ['2.0', true],
    ['1.19.8', false],
    ['1.3', false],
  ])('of version %s is new enough for 1.26: %s', (version, isEnough) => {
    expect(isAtLeast(version, '1.26')).toBe(isEnough);
  });
});
