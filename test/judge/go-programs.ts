import { execFile } from 'node:child_process';
import { access, cp, mkdtemp, rm } from 'node:fs/promises';
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
/** The release for a Go that is older than the one that the newest client-go needs (Debian 12 has 1.19). */
const OLD_CLIENT_GO = 'k8s.io/client-go@v0.26.15';
/** A module's `go` line must not choose the rules of an older Go (GODEBUG). */
const NEWEST_RULES = 'x509negativeserial=0,rsa1024min=1,x509rsacrt=1';

export interface Go {
  readonly program: string;
  /** Its minor version: 26 for Go 1.26. */
  readonly minor: number;
}

async function findProgram(): Promise<string | undefined> {
  const onPath = (process.env['PATH'] ?? '').split(':').map((directory) => path.join(directory, 'go'));
  for (const program of [...onPath, ...LOCATIONS]) {
    const exists = await access(program).then(
      () => true,
      () => false,
    );
    if (exists) return program;
  }
  return undefined;
}

/** Finds Go, or installs Debian's package as root. */
export async function provideGo(): Promise<Go> {
  let program = await findProgram();
  if (program === undefined) {
    await provideDebianPackages(['golang-go'], { host: createLocalHost(), clock: systemClock }).catch(() => undefined);
    program = await findProgram();
  }
  if (program === undefined) throw new Error('no Go on this machine; install it: `apt-get install golang-go`');
  const { stdout } = await run(program, ['env', 'GOVERSION'], { env: { ...process.env, GOTOOLCHAIN: 'local' } });
  return { program, minor: Number(/^go1\.(\d+)/.exec(stdout)?.[1]) };
}

export interface GoProgram extends AsyncDisposable {
  readonly path: string;
}

/** Compiles one of the programs beside this file, offline for the standard library. */
export async function buildGoProgram({ program, minor }: Go, name: 'crypto' | 'client-go'): Promise<GoProgram> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-go-'));
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', GOWORK: 'off' };
  const go = (...args: readonly string[]) => run(program, [...args], { cwd: directory, env, maxBuffer: 2 ** 24 });
  await cp(path.join(PROGRAMS, name), directory, { recursive: true });
  if (name === 'client-go' && minor < 23) {
    await Promise.all(['go.mod', 'go.sum'].map((file) => rm(path.join(directory, file))));
    await go('mod', 'init', 'kube-rescue/judge/client-go');
    await go('get', OLD_CLIENT_GO);
  }
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
