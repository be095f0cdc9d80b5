import { createHash } from 'node:crypto';
import { isSea } from 'node:sea';
import { assertTrusted, type Host, type HostPath } from '@kube-rescue/host';
import { CliError } from '../errors.ts';
import type { LocalFiles } from '../local-files.ts';
import { CARRIED_DIRECTORY, carriedPath, type RemoteNode } from './remote-node.ts';

/** The program for the nodes: the one file, whole. */
export interface ProgramFile {
  readonly path: HostPath;
  readonly bytes: number;
  readonly sha256: string;
  /** `uname -m` of the machines that it runs on; `undefined` where the file does not say. */
  readonly machine: string | undefined;
}

const PROGRAM_MODE = 0o700;
const DIRECTORY_MODE = 0o700;
const CHUNK_BYTES = 1024 * 1024;
const TIMEOUT_MS = 60_000;
/** For journals, backups and a snapshot there is a check of each run; this is for the file alone. */
const SPARE_BYTES = 64 * 1024 * 1024;

/** e_machine of the ELF header, at offset 18, little-endian: ELF specification, and `uname -m` of Linux. */
const MACHINES: Readonly<Record<number, string>> = { 62: 'x86_64', 183: 'aarch64' };
const ELF_HEADER_BYTES = 20;

/**
 * The program to carry: `--program`, else this one, where it is the one file.
 * @throws CliError `PROGRAM_NOT_GIVEN`; HostError, `SOURCE_UNTRUSTED` where another user than root could have changed it
 */
export async function findProgramFile(
  given: string | undefined,
  {
    localFiles,
    executable = isSea() ? process.execPath : undefined,
  }: {
    readonly localFiles: LocalFiles;
    readonly executable?: string | undefined;
  },
): Promise<ProgramFile> {
  const named = given ?? executable;
  const path = named === undefined ? undefined : localFiles.path(named);
  const stat = path === undefined ? undefined : await localFiles.host.stat(path);
  if (path === undefined || stat?.kind !== 'file') {
    throw new CliError({
      code: 'PROGRAM_NOT_GIVEN',
      message:
        path === undefined
          ? 'this kube-rescue is not the one file, which is what runs on the nodes'
          : 'there is no such file to carry to the nodes',
      subject: path ?? '--program',
      hint: 'pass the file that `npm run package` makes for the nodes: --program FILE',
    });
  }
  // Root of every node runs it, so it is held to the same as what a node's files name.
  if (localFiles.host.userId() === 0) await assertTrusted(path, localFiles, { allowSticky: true });
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunksOf(path, localFiles.host)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const head = await localFiles.host.readRange(path, { offset: 0, length: ELF_HEADER_BYTES });
  return { path, bytes, sha256: hash.digest('hex'), machine: machineOf(head) };
}

function machineOf(head: Uint8Array | undefined): string | undefined {
  if (head === undefined || head.length < ELF_HEADER_BYTES) return undefined;
  if (!(head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46)) return undefined;
  return MACHINES[(head[18] ?? 0) + (head[19] ?? 0) * 256];
}

/**
 * Copies the program to a directory of root alone on a node, and runs it there once.
 * @returns its path there
 * @throws CliError `PROGRAM_UNUSABLE`; HostError
 */
export async function carryProgram(
  node: RemoteNode,
  program: ProgramFile,
  { id, localFiles }: { readonly id: string; readonly localFiles: LocalFiles },
): Promise<HostPath> {
  const { host } = node;
  const free = await host.freeBytes(CARRIED_DIRECTORY);
  if (free < program.bytes + SPARE_BYTES) {
    throw unusable(node, `${CARRIED_DIRECTORY} has ${free} bytes free, the program needs ${program.bytes}`);
  }
  const path = carriedPath(id, 'kube-rescue');
  await host.makeDirectory(carriedPath(id), { mode: DIRECTORY_MODE });
  await host.writeFileFrom(path, chunksOf(program.path, localFiles.host), { mode: PROGRAM_MODE, isOwn: true });
  const { stdout } = await host.exec(['sha256sum', '--', path], { timeoutMs: TIMEOUT_MS });
  if (stdout.slice(0, program.sha256.length) !== program.sha256) {
    throw unusable(node, 'the carried program is not the one of this machine: its digest differs');
  }
  const { exitCode, stderr } = await host.exec([path, '--version'], { timeoutMs: TIMEOUT_MS });
  if (exitCode !== 0) {
    const why = stderr.trim().split('\n').at(-1) ?? '';
    throw unusable(node, `the program does not run there: ${why === '' ? `exit code ${exitCode}` : why}`);
  }
  return path;
}

async function* chunksOf(path: HostPath, host: Pick<Host, 'readRange'>): AsyncGenerator<Uint8Array> {
  for (let offset = 0; ; ) {
    const chunk = await host.readRange(path, { offset, length: CHUNK_BYTES });
    if (chunk === undefined || chunk.length === 0) return;
    yield chunk;
    offset += chunk.length;
    if (chunk.length < CHUNK_BYTES) return;
  }
}

function unusable(node: Pick<RemoteNode, 'name'>, message: string): CliError {
  return new CliError({
    code: 'PROGRAM_UNUSABLE',
    message,
    subject: node.name,
    hint: 'make space on the node, or pass the file for its processor and libraries with --program FILE',
  });
}
