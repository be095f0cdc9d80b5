import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { build as buildWithRolldown } from 'rolldown';
import { ROOT } from '../e2e/packages/tarballs.fixture.ts';

const run = promisify(execFile);
/** As the README of cert-rotation says. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * How a project uses a package: both module systems, each from its files and as one bundle elsewhere. Bundles are made by esbuild, the
 * last one by Rolldown, which needs no banner for the CommonJS among the dependencies.
 */
export const FORMS = ['ESM', 'CommonJS', 'ESM bundle', 'CommonJS bundle', 'ESM bundle of Rolldown'] as const;
export type Form = (typeof FORMS)[number];

/** The examples in the README of an installed package. */
export async function readExamples(project: string, name: string): Promise<readonly string[]> {
  const readme = await readFile(path.join(project, 'node_modules', name, 'README.md'), 'utf8');
  return [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
}

/** Compiles in strict mode with every declaration checked, as ECMAScript module and as CommonJS. @returns what tsc reports */
export async function compileStrictly(project: string, code: string): Promise<string> {
  await mkdir(path.join(project, 'node_modules/@types'), { recursive: true });
  for (const name of ['@types/node', 'undici-types']) {
    await symlink(path.join(ROOT, 'node_modules', name), path.join(project, 'node_modules', name)).catch(
      () => undefined,
    );
  }
  const imports = code.match(/^import .*;\n/gm)?.join('') ?? '';
  const rest = code.replaceAll(/^import .*;\n/gm, '');
  await writeFile(path.join(project, 'example.mts'), code);
  await writeFile(path.join(project, 'example.cts'), `${imports}void (async () => {\n${rest}})();\n`);
  const compilerOptions = {
    ...{ target: 'es2024', module: 'nodenext', strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
    ...{ types: ['node'], rootDir: '.', outDir: 'out' },
  };
  await writeFile(
    path.join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['example.mts', 'example.cts'] }),
  );
  return run(path.join(ROOT, 'node_modules/.bin/tsc'), ['-p', project]).then(
    ({ stdout }) => stdout,
    (error: Error & { readonly stdout?: string }) => error.stdout ?? error.message,
  );
}

/** Runs what {@link compileStrictly} made, in one form. A bundle runs where nothing is installed. @returns its output */
export async function runForm(
  project: string,
  form: Form,
  { replace, env = {}, elsewhere }: RunInput,
): Promise<string> {
  const isModule = form.startsWith('ESM');
  const compiled = path.join(project, 'out', isModule ? 'example.mjs' : 'example.cjs');
  const text = await readFile(compiled, 'utf8');
  const prepared = Object.entries(replace).reduce((code, [from, to]) => code.replaceAll(from, to), text);
  const file = path.join(project, `prepared${path.extname(compiled)}`);
  await writeFile(file, prepared);
  const target = form.includes('bundle') ? path.join(elsewhere, `bundle${path.extname(compiled)}`) : file;
  if (form === 'ESM bundle of Rolldown') await bundleWithRolldown(file, target);
  else if (target !== file) await bundle(file, target, isModule ? REQUIRE : '');
  const options = { cwd: path.dirname(target), env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env } };
  const { stdout, stderr } = await run(process.execPath, [target], options);
  return stdout + stderr;
}

/** @param banner the first line of the bundle */
export async function bundle(file: string, target: string, banner: string): Promise<void> {
  const format = target.endsWith('.cjs') ? 'cjs' : 'esm';
  const options = { outfile: target, bundle: true, platform: 'node', logLevel: 'error' } as const;
  await build({ ...options, entryPoints: [file], format, banner: { js: banner } });
}

/** With its defaults for Node; parts that are loaded on demand are files beside the bundle. */
async function bundleWithRolldown(file: string, target: string): Promise<void> {
  const output = { dir: path.dirname(target), entryFileNames: path.basename(target), format: 'esm' } as const;
  await buildWithRolldown({ input: file, platform: 'node', output, logLevel: 'silent' });
}

interface RunInput {
  /** Paths and addresses in the example, and those of the prepared ones. */
  readonly replace: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** A directory without packages, for bundles. */
  readonly elsewhere: string;
}

/** The packages that a project has installed, and their size in bytes. */
export async function measure(project: string): Promise<{ readonly packages: number; readonly bytes: number }> {
  const modules = path.join(project, 'node_modules');
  const lock = JSON.parse(await readFile(path.join(modules, '.package-lock.json'), 'utf8')) as { packages: object };
  const files = await readdir(modules, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size);
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  return { packages: Object.keys(lock.packages).length, bytes };
}
