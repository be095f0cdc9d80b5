import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostPath, hostPath } from '../host-path.ts';
import { execForBytes } from '../local/local-exec.ts';
import type { RunScript } from './remote-script.ts';
import { createSshFileWrites } from './ssh-writes.ts';

let directory: string;
let file: HostPath;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'ssh-writes-'));
  file = hostPath(path.join(directory, 'kubeconfig'));
  await writeFile(file, 'old');
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** The scripts of the other machine, which lose the last bytes of their input. */
const cutOff: RunScript = ({ text, args, input }) => {
  const arrived = input?.subarray(0, -2);
  return execForBytes(['sh', '-c', text, 'kube-rescue', ...args], { timeoutMs: 10_000, input: arrived }, 1024);
};

describe('a file whose last bytes were lost on their way to another machine', () => {
  const data = Buffer.from('all of it');

  it('does not replace the old one, and leaves no temporary file', async () => {
    const { writeFile: write } = createSshFileWrites(cutOff, () => undefined);
    await expect(write(file, data, { mode: 0o600 })).rejects.toMatchObject({ code: 'SSH_UNREACHABLE', subject: file });
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(directory)).toEqual(['kubeconfig']);
  });

  it('does not replace the old one when streamed', async () => {
    const { writeFileFrom } = createSshFileWrites(cutOff, () => undefined);
    const pieces = async function* () {
      yield data;
    };
    await expect(writeFileFrom(file, pieces(), { mode: 0o600 })).rejects.toMatchObject({ code: 'SSH_UNREACHABLE' });
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(directory)).toEqual(['kubeconfig']);
  });

  it('leaves what it was to be added to as it was', async () => {
    const { appendFile } = createSshFileWrites(cutOff, () => undefined);
    await expect(appendFile(file, data, { mode: 0o600 })).rejects.toMatchObject({ code: 'SSH_UNREACHABLE' });
    expect(await readFile(file, 'utf8')).toBe('old');
  });
});
