import { HostError } from '../errors.ts';
import type { HostPath } from '../host-path.ts';

/** Address and user of a machine for SSH. Plain data without secrets: keys are given by their paths. */
export interface SshTarget {
  /** Name or address as in `known_hosts`, or an alias of the caller's `ssh_config`. */
  readonly address: string;
  /** Default: that of `ssh`, 22. */
  readonly port?: number | undefined;
  /** Default: that of `ssh`, the caller's own name. */
  readonly user?: string | undefined;
  /** The only private key file to offer. Default: the keys of `ssh`, and the agent's. */
  readonly identityFile?: HostPath | undefined;
  /** The only file of trusted host keys. Default: those of `ssh`. */
  readonly knownHostsFile?: HostPath | undefined;
  /** Act as root by `sudo -n`, for machines without a root login. Default: false. */
  readonly sudo?: boolean | undefined;
}

const ADDRESS = /^[A-Za-z0-9_[][\w.:%\][-]{0,254}$/;
const USER = /^[A-Za-z0-9_][\w.@-]{0,63}$/;

/**
 * Arguments of `ssh` for a target: never prompts, always checks the host key, shares one connection.
 * @throws HostError `HOST_PATH_INVALID` when the address, user or port is invalid
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
    // The connection of a killed caller ends soon.
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
