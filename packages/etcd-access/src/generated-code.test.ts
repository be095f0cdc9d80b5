import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const BINARIES = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));

it('the generated messages are those of the proto files (else: npm run generate, in packages/etcd-access)', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-buf-'));
  try {
    const env = { ...process.env, PATH: `${BINARIES}:${process.env['PATH']}` };
    await promisify(execFile)('buf', ['generate', '--output', directory], { cwd: PACKAGE, env });
    const made = path.join(directory, 'src/generated');
    expect(await contentOf(path.join(PACKAGE, 'src/generated'))).toEqual(await contentOf(made));
  } finally {
    await rm(directory, { recursive: true });
  }
});

async function contentOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.ts')).toSorted();
  const files = names.map(async (name) => [name, await readFile(path.join(directory, name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(files));
}
