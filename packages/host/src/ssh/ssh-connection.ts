import { isRecoveryError } from '@kube-rescue/errors';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecOptions } from '../host.ts';
import { childEnvironment } from '../local/child-environment.ts';
import { execForBytes } from '../local/local-exec.ts';
import { type RunningProgram, startLocally } from '../local/local-start.ts';
import { shellLine } from './shell-line.ts';
import { sshFailure, sshMissing } from './ssh-failure.ts';
import { type SshTarget, sshArguments } from './ssh-target.ts';

/** The result of a program on the other machine. */
export interface RemoteResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export type RemoteOptions = Pick<ExecOptions, 'timeoutMs' | 'signal' | 'input' | 'onLine' | 'onErrorLine'> & {
  /** Default: 16 MiB. */
  readonly maxOutputBytes?: number | undefined;
};

/** One shared connection to a machine. */
export interface SshConnection {
  /**
   * Runs a program there, through the login shell of the user, with unchanged words.
   * @throws HostError `SSH_...` when it cannot be reached, `HOST_EXEC_TIMEOUT`
   */
  run(words: readonly string[], options: RemoteOptions): Promise<RemoteResult>;
  /**
   * Starts a program there that goes on; its input ends when this process ends.
   * @throws HostError `SSH_COMMAND_MISSING`
   */
  start(words: readonly string[]): RunningProgram;
  /** Ends the connection and removes its socket. */
  close(): Promise<void>;
}

/** The exit code of ssh's own failures; a query of the connection tells them from a program with the same exit code. */
const SSH_FAILED = 255;
const CONTROL_TIMEOUT_MS = 5000;

/** Creates the directory of the connection's socket, for its owner only; connects with the first program. */
export async function openSshConnection(target: SshTarget): Promise<SshConnection> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-ssh-'));
  const socket = path.join(directory, 'control');
  const removeFolder = (): Promise<void> => rm(directory, { recursive: true, force: true });
  let args: readonly string[];
  try {
    args = sshArguments(target, socket);
  } catch (error) {
    await removeFolder();
    throw error;
  }
  const ssh = async (
    more: readonly string[],
    last: readonly string[],
    options: RemoteOptions,
  ): Promise<RemoteResult> => {
    try {
      const env = childEnvironment('SSH_AUTH_SOCK');
      return await execForBytes(['ssh', ...more, ...args, ...last], { ...options, env }, options.maxOutputBytes);
    } catch (error) {
      throw isRecoveryError(error, 'HOST_EXEC_NOT_FOUND') ? sshMissing(error) : error;
    }
  };
  const control = (command: string): Promise<RemoteResult> =>
    ssh(['-O', command], [], { timeoutMs: CONTROL_TIMEOUT_MS });
  return {
    run: async (words, options) => {
      const result = await ssh([], [shellLine(words)], options);
      if (result.exitCode !== SSH_FAILED) return result;
      // The connection is open: the program itself exited with this code.
      if ((await control('check')).exitCode === 0) return result;
      throw sshFailure(target, result.stderr);
    },
    start: (words) => {
      try {
        return startLocally(['ssh', ...args, shellLine(words)], childEnvironment('SSH_AUTH_SOCK'));
      } catch (error) {
        throw isRecoveryError(error, 'HOST_EXEC_NOT_FOUND') ? sshMissing(error) : error;
      }
    },
    close: async () => {
      await control('exit').catch(() => undefined);
      await removeFolder();
    },
  };
}
