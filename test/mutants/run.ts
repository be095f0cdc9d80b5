import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MUTANTS } from './all.ts';
import type { Mutant } from './mutant.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
const AT_A_TIME = 3;
/** A mutant that makes the tests hang counts as killed. */
const TIMEOUT_MS = 240_000;

type Verdict = 'killed' | 'survived';

/** What a mutant needs to be judged: a copy of which directory, with which tests. */
type Ground = Pick<Mutant, 'directory' | 'tests'>;

/** Runs the tests of a copy of the directory, with or without a mutant. */
async function judge(ground: Ground, mutant?: Mutant): Promise<Verdict> {
  const base = await mkdtemp(path.join(tmpdir(), 'kube-rescue-mutant-'));
  const directory = path.join(base, ground.directory);
  try {
    await mkdir(directory, { recursive: true });
    await linkSiblings(base, ground);
    await cp(path.join(ROOT, ground.directory, 'src'), path.join(directory, 'src'), { recursive: true });
    await symlink(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
    await writeFile(path.join(directory, 'package.json'), '{ "type": "module" }');
    await writeFile(path.join(directory, 'vitest.config.js'), configurationOf(directory, ground));
    if (mutant !== undefined) await plant(mutant, path.join(directory, 'src', mutant.file));
    const report = path.join(directory, 'report.json');
    const words = [VITEST, 'run', '--root', directory, '--reporter=json', `--outputFile=${report}`];

    const ended = await promisify(execFile)(process.execPath, words, {
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    }).then(
      () => undefined,
      (error: { readonly killed: boolean; readonly stderr: string }) => error,
    );
    if (ended === undefined || ended.killed) return ended === undefined ? 'survived' : 'killed';
    const { numFailedTests } = JSON.parse(await readFile(report, 'utf8')) as { readonly numFailedTests: number };
    // A copy that does not load proves nothing.
    if (numFailedTests === 0) throw new Error(`the tests did not run: ${ended.stderr}`);
    return 'killed';
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

/** Tests take fixtures from the packages beside theirs. */
async function linkSiblings(base: string, { directory }: Ground): Promise<void> {
  const parent = path.dirname(directory);
  const others = (await readdir(path.join(ROOT, parent))).filter((name) => name !== path.basename(directory));
  await Promise.all(others.map((name) => symlink(path.join(ROOT, parent, name), path.join(base, parent, name))));
}

/** Other packages, such as the step laws of `testing`, use the copy, not the original. */
function configurationOf(directory: string, ground: Ground): string {
  const alias = { [`@kube-rescue/${path.basename(ground.directory)}`]: path.join(directory, 'src/index.ts') };
  const conditions = ['kube-rescue-source', 'node', 'import', 'default'];
  const include = (ground.tests ?? ['**/*.test.ts']).map((each) => `src/${each}`);
  const test = { include, testTimeout: 60_000 };
  return `export default ${JSON.stringify({ resolve: { alias }, ssr: { resolve: { conditions } }, test })};\n`;
}

async function plant({ name, from, to }: Mutant, file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const times = text.split(from).length - 1;
  if (times !== 1) throw new Error(`the mutant "${name}" does not match the source: its text occurs ${times} times`);
  await writeFile(
    file,
    text.replace(from, () => to),
  );
}

const only = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));
const started = Date.now();
const grounds = new Map(
  chosen.map(({ directory, tests }) => [JSON.stringify([directory, tests]), { directory, tests }]),
);
for (const ground of grounds.values()) {
  if ((await judge(ground)) === 'killed') throw new Error(`the tests of ${ground.directory} fail without any mutant`);
}
const queue = [...chosen];
const survivors: string[] = [];
const work = async (): Promise<void> => {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const verdict = await judge(mutant, mutant);
    process.stdout.write(`${verdict.padEnd(10)}${mutant.directory}/src/${mutant.file}: ${mutant.name}\n`);
    if (verdict === 'survived') survivors.push(mutant.name);
  }
};
await Promise.all(Array.from({ length: AT_A_TIME }, work));
const minutes = ((Date.now() - started) / 60_000).toFixed(1);
process.stdout.write(
  `${chosen.length} mutants, ${chosen.length - survivors.length} killed, ${survivors.length} survived (${minutes} min)\n`,
);
if (only.length === 0) {
  const report = {
    mutants: chosen.map(({ name, directory, file }) => ({ name, file: `${directory}/src/${file}` })),
    survivors,
  };
  await mkdir(path.join(ROOT, 'test-results'), { recursive: true });
  await writeFile(path.join(ROOT, 'test-results/mutants.json'), `${JSON.stringify(report, null, 2)}\n`);
}
process.exitCode = survivors.length === 0 ? 0 : 1;
