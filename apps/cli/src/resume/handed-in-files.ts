import { createHash } from 'node:crypto';
import { isRecoveryError } from '@kube-rescue/errors';
import { type HostFiles, type HostPath, joinPath } from '@kube-rescue/host';
import type { RecordedInput } from '@kube-rescue/workflow';

/** Flags and arguments that name a file or directory whose content shapes a run. */
const INPUTS = ['certs', 'cas', 'plan', 'aws-credentials', 'file', 'directory'];
const STANDARD_INPUT = '-';
/** Name of a file that was handed in itself, not in a directory. */
const ITSELF = '.';
const PIECE_BYTES = 1024 * 1024;

type Files = Pick<HostFiles, 'list' | 'stat' | 'readRange'>;

/** The SHA-256 of every file that these flags and arguments hand in; never a content. */
export async function digestInputs(
  flags: Readonly<Record<string, unknown>>,
  args: Readonly<Record<string, unknown>>,
  files: { readonly host: Files; path(text: string): HostPath },
): Promise<readonly RecordedInput[]> {
  const inputs: RecordedInput[] = [];
  for (const name of INPUTS) {
    const value = flags[name] ?? args[name];
    if (typeof value !== 'string' || value === STANDARD_INPUT) continue;
    const path = files.path(value);
    const digests = await digestFiles(path, files.host);
    // The command itself reports a missing file.
    if (digests !== undefined) inputs.push({ flag: name in args ? name : `--${name}`, path, files: digests });
  }
  return inputs;
}

/** The SHA-256 of a file, or of each file in a directory by its name there; `undefined` when there is none. */
export async function digestFiles(path: HostPath, host: Files): Promise<RecordedInput['files'] | undefined> {
  const names = await host.list(path);
  if (names === undefined) {
    const digest = await digestFile(path, host);
    return digest === undefined ? undefined : { [ITSELF]: digest };
  }
  const digests: Record<string, string> = {};
  for (const name of names) {
    const entry = joinPath(path, name);
    const { kind } = (await host.stat(entry)) ?? {};
    // Links to directories are not followed.
    const below = kind === 'directory' ? await digestFiles(entry, host) : undefined;
    const digest = kind === 'file' || kind === 'symlink' ? await digestFile(entry, host) : undefined;
    if (digest !== undefined) digests[name] = digest;
    for (const [inner, each] of Object.entries(below ?? {})) digests[`${name}/${inner}`] = each;
  }
  return digests;
}

/** `undefined` for what is not a readable regular file. */
async function digestFile(path: HostPath, host: Files): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for (let offset = 0; ; ) {
      const piece = await host.readRange(path, { offset, length: PIECE_BYTES });
      if (piece === undefined) return undefined;
      hash.update(piece);
      if (piece.length < PIECE_BYTES) return hash.digest('hex');
      offset += piece.length;
    }
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
