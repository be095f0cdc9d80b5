import { fsFailure } from '../local/fs-failure.ts';
import { HostError } from '../errors.ts';
import type { RemoteOptions, RemoteResult, SshConnection } from './ssh-connection.ts';

/** A shell script for the other machine, with its arguments. Bytes go to its standard input, never into the arguments. */
export interface RemoteScript {
  readonly text: string;
  readonly args: readonly string[];
  readonly input?: Uint8Array | undefined;
  readonly maxOutputBytes?: number | undefined;
}

/** Runs scripts by `sh` on the other machine, as root when the connection uses sudo. */
export type RunScript = (script: RemoteScript) => Promise<RemoteResult>;

/** Exit codes of our scripts; coreutils use 1, shells 2 and from 126 on. */
export const STATUS = { notThere: 40, notRegular: 41, tooLarge: 42, noStaging: 43, cutOff: 44, changed: 45 } as const;

const SCRIPT_TIMEOUT_MS = 60_000;

/** Texts of strerror(3) in the C locale, and those of coreutils. */
const ERRNO_BY_TEXT: readonly (readonly [text: string, errno: string])[] = [
  ['No such file or directory', 'ENOENT'],
  ['Directory nonexistent', 'ENOENT'],
  ['cannot overwrite directory', 'EISDIR'],
  ['Is a directory', 'EISDIR'],
  ['Not a directory', 'ENOTDIR'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['Read-only file system', 'EROFS'],
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Too many levels of symbolic links', 'ELOOP'],
  ['File name too long', 'ENAMETOOLONG'],
  ['File exists', 'EEXIST'],
];

/** Runs scripts on a connection; `prefix` is put before each, for example `sudo -n --`. */
export function createScriptRunner(connection: Pick<SshConnection, 'run'>, prefix: readonly string[]): RunScript {
  return ({ text, args, input, maxOutputBytes }) => {
    const words = [...prefix, 'env', 'LC_ALL=C', 'sh', '-c', text, 'kube-rescue', ...args];
    const options: RemoteOptions = { timeoutMs: SCRIPT_TIMEOUT_MS, input, maxOutputBytes };
    return connection.run(words, options);
  };
}

/** Translates a script's failure, by the error output of its programs. */
export function remoteFailure(result: RemoteResult, attempted: string, subject: string): HostError {
  const line = result.stderr.trim().split('\n').at(-1) ?? '';
  const errno = ERRNO_BY_TEXT.find(([text]) => result.stderr.includes(text))?.[1];
  const cause = Object.assign(new Error(line), errno === undefined ? {} : { code: errno });
  if (result.exitCode === STATUS.notRegular) return notRegular(line, subject);
  if (result.exitCode === STATUS.cutOff) return cutOff(attempted, subject);
  if (result.exitCode === STATUS.changed) return changed(line, subject);
  return fsFailure(cause, attempted, subject);
}

function notRegular(kind: string, subject: string): HostError {
  return new HostError({
    code: 'HOST_NOT_A_REGULAR_FILE',
    message: `expected a regular file, found a ${kind}`,
    subject,
    hint: 'check the file with ls -l and move it away',
  });
}

function changed(where: string, subject: string): HostError {
  const rest = where === '' ? '' : `; ${where}`;
  return new HostError({
    code: 'HOST_CHANGED',
    message: `not overwritten: another process has changed the file meanwhile${rest}`,
    subject,
    hint: 'find the process that writes this file on that machine, then run again',
  });
}

function cutOff(attempted: string, subject: string): HostError {
  return new HostError({
    code: 'SSH_UNREACHABLE',
    message: `cannot ${attempted}: the connection was lost during the transfer; nothing was replaced`,
    subject,
    hint: 'check the connection to the machine, then run again',
  });
}
