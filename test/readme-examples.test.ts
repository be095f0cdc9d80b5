import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIRECTORY = path.join(ROOT, 'node_modules/.cache/readme-examples');
const TYPESCRIPT = path.join(ROOT, 'node_modules/.bin/tsc');

it('every example in a package README compiles against the package', async () => {
  await rm(DIRECTORY, { recursive: true, force: true });
  await mkdir(DIRECTORY, { recursive: true });
  const packages = await readdir(path.join(ROOT, 'packages'));
  for (const name of packages) {
    const readme = await readFile(path.join(ROOT, 'packages', name, 'README.md'), 'utf8');
    const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
    expect(examples.length, `${name} has no example`).toBeGreaterThan(0);
    for (const [index, code] of examples.entries()) await writeFile(path.join(DIRECTORY, `${name}-${index}.ts`), code);
  }
  const config = {
    extends: path.join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      typeRoots: [path.join(ROOT, 'node_modules/@types')],
      noUnusedLocals: false,
      lib: ['es2024', 'esnext.array', 'dom'],
    },
    include: ['*.ts'],
  };
  await writeFile(path.join(DIRECTORY, 'tsconfig.json'), JSON.stringify(config));
  await writeFile(path.join(DIRECTORY, 'package.json'), '{ "type": "module" }');
  const run = promisify(execFile)(TYPESCRIPT, ['-p', DIRECTORY]);
  await expect(run.catch((error: { stdout?: string }) => error.stdout)).resolves.toMatchObject({ stdout: '' });
});
