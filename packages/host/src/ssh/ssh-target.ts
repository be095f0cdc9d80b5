import { HostError } from '../errors.ts';
import type { HostPath } from '../host-path.ts';

/** Where and as whom a machine is reached over SSH. Plain data without secrets: keys are named by their paths. */
export interface SshTarget {
  /** Name or address, as it stands in `known_hosts`, or an alias of the caller's `ssh_config`. */
  readonly address: string;
  /** Default: what `ssh` would take, 22. */
  readonly port?: number | undefined;
  /** Default: what `ssh` would take, the caller's own name. */
  readonly user?: string | undefined;
  /** File of the private key to offer, and no other. Default: those that `ssh` would offer, and the agent's. */
  readonly identityFile?: HostPath | undefined;
  /** The only file of host keys that counts. Default: those that `ssh` would read. */
  readonly knownHostsFile?: HostPath | undefined;
  /** Act as root by `sudo -n`, for machines that let nobody in as root. Default: false. */
  readonly sudo?: boolean | undefined;
}

const ADDRESS = /^[A-Za-z0-9_[][\w.:%\][-]{0,254}$/;
const USER = /^[A-Za-z0-9_][\w.@-]{0,63}$/;

/**
 * Arguments of `ssh` for a target: never asks anything, checks the host key always, shares one connection.
 * @throws HostError `HOST_PATH_INVALID` when the address, user or port cannot be one
 */
export function sshArguments(target: SshTarget, controlPath: string): readonly string[] {
  const { address, port, user, identityFile, knownHostsFile } = target;
  if (!ADDRESS.test(address)) throw invalid('invalid address', address);
  if (user !== undefined && !USER.test(user)) throw invalid('invalid user name', user);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw invalid('invalid port', String(port));
  }
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'ConnectTimeout=10',
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'ClearAllForwardings=yes',
    'ForwardAgent=no',
    'PermitLocalCommand=no',
    'LogLevel=ERROR',
    'ControlMaster=auto',
    // A caller that was killed leaves no connection behind for long.
    'ControlPersist=60',
    `ControlPath=${escapeTokens(controlPath)}`,
    ...(knownHostsFile === undefined
      ? []
      : [`UserKnownHostsFile=${quoteOption(knownHostsFile)}`, 'GlobalKnownHostsFile=/dev/null']),
    ...(identityFile === undefined ? [] : [`IdentityFile=${quoteOption(identityFile)}`, 'IdentitiesOnly=yes']),
  ];
  return [
    '-T',
    ...options.flatMap((option) => ['-o', option]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    '--',
    address,
  ];
}

/** `ssh` splits paths of options at spaces, and expands `%` in them. */
function quoteOption(path: string): string {
  return `"${escapeTokens(path)}"`;
}

function escapeTokens(path: string): string {
  if (/["\n\\]/.test(path)) throw invalid('ssh accepts no path with quotes, backslashes or line breaks', path);
  return path.replaceAll('%', '%%');
}

function invalid(message: string, subject: string): HostError {
  return new HostError({
    code: 'HOST_PATH_INVALID',
    message,
    subject,
    hint: 'use the name or address of the machine, for example node02',
  });
}
