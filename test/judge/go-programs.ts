import { execFile } from 'node:child_process';
import { chmod, cp, glob, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { provideDebianPackages } from '@kube-rescue/lab';
import type { CorpusItem } from './corpus/items.ts';

const run = promisify(execFile);
const PROGRAMS = path.join(import.meta.dirname, 'programs');
/** Where Go's own archive and Debian's package put it. */
const LOCATIONS = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go', '/usr/bin/go'];
/** The Go whose rules the judge has. An older one (Debian 12 has 1.19) fetches it as a module, verified by Go's checksum database. */
const JUDGED_MINOR = 26;
const TOOLCHAIN = 'golang.org/toolchain@v0.0.1-go1.26.1.linux-';
const PROCESSORS: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** A module's `go` line must not choose the rules of an older Go (GODEBUG). */
const NEWEST_RULES = 'x509negativeserial=0,rsa1024min=1,x509rsacrt=1';

export interface Go {
  readonly program: string;
  /** Its minor version: 26 for Go 1.26. */
  readonly minor: number;
}

/** Every Go of this machine, the newest first. */
async function findPrograms(): Promise<readonly Go[]> {
  const onPath = (process.env['PATH'] ?? '').split(':').map((directory) => path.join(directory, 'go'));
  const found = await Promise.all([...new Set([...onPath, ...LOCATIONS])].map(identify));
  return found.filter((go) => go !== undefined).toSorted((a, b) => b.minor - a.minor);
}

async function identify(program: string): Promise<Go | undefined> {
  try {
    const { stdout } = await run(program, ['env', 'GOVERSION'], { env: { ...process.env, GOTOOLCHAIN: 'local' } });
    const minor = /^go1\.(\d+)/.exec(stdout)?.[1];
    return minor === undefined ? undefined : { program, minor: Number(minor) };
  } catch {
    return undefined;
  }
}

/** Finds a Go with the rules of the judge; installs Debian's package as root where there is none, and lets an older one fetch it. */
export async function provideGo(): Promise<Go> {
  let [go] = await findPrograms();
  if (go === undefined) {
    await provideDebianPackages(['golang-go'], { host: createLocalHost(), clock: systemClock }).catch(() => undefined);
    [go] = await findPrograms();
  }
  if (go === undefined) throw new Error('no Go on this machine; install it: `apt-get install golang-go`');
  return go.minor >= JUDGED_MINOR ? go : fetchToolchain(go);
}

/** Go's own archives have no modes in the module cache; `go` itself sets them as here (`cmd/go/internal/toolchain`). */
async function fetchToolchain({ program }: Go): Promise<Go> {
  const version = `${TOOLCHAIN}${PROCESSORS[process.arch] ?? process.arch}`;
  const { stdout } = await run(program, ['mod', 'download', '-json', version], { cwd: tmpdir() });
  const { Dir: directory } = JSON.parse(stdout) as { readonly Dir: string };
  for await (const file of glob(['bin/*', 'pkg/tool/*/*'], { cwd: directory }))
    await chmod(path.join(directory, file), 0o755);
  const fetched = await identify(path.join(directory, 'bin/go'));
  if (fetched === undefined) throw new Error(`${version} does not run in ${directory}`);
  return fetched;
}

export interface GoProgram extends AsyncDisposable {
  readonly path: string;
}

/** Compiles one of the programs beside this file, offline for the standard library. */
export async function buildGoProgram({ program }: Go, name: 'crypto' | 'client-go'): Promise<GoProgram> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-go-'));
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', GOWORK: 'off' };
  const go = (...args: readonly string[]) => run(program, [...args], { cwd: directory, env, maxBuffer: 2 ** 24 });
  await cp(path.join(PROGRAMS, name), directory, { recursive: true });
  const output = path.join(directory, 'judge');
  await go('build', '-o', output, '.');
  return { path: output, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** What the program answers to each item: `''` for one that it accepts. */
export async function askGo(program: GoProgram, items: readonly CorpusItem[]): Promise<ReadonlyMap<string, string>> {
  const env = { ...process.env, GODEBUG: NEWEST_RULES };
  const asked = run(program.path, [], { env, maxBuffer: 2 ** 28 });
  asked.child.stdin?.end(items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  const answers = (await asked).stdout.trim().split('\n');
  return new Map(
    answers.map((line) => {
      const { id, error } = JSON.parse(line) as { readonly id: string; readonly error: string };
      return [id, error];
    }),
  );
}
