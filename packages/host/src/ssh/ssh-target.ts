import { HostError } from '../errors.ts';
import type { HostPath } from '../host-path.ts';
import { shellLine } from './shell-line.ts';

/** A machine that passes the connection on: `ssh -J`. */
export interface SshJump {
  readonly address: string;
  /** Default: that of `ssh`, 22. */
  readonly port?: number | undefined;
  /** Default: that of `ssh`, the caller's own name. */
  readonly user?: string | undefined;
}

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
  /** The jump host, with the same private key and the same file of host keys. Default: none, or that of `ssh_config`. */
  readonly jump?: SshJump | undefined;
}

const ADDRESS = /^[A-Za-z0-9_[][\w.:%\][-]{0,254}$/;
const USER = /^[A-Za-z0-9_][\w.@-]{0,63}$/;

/**
 * Arguments of `ssh` for a target: never prompts, always checks the host key, shares one connection.
 * @throws HostError `HOST_PATH_INVALID` when the address, user or port is invalid
 */
export function sshArguments(target: SshTarget, controlPath: string): readonly string[] {
  const options = [
    ...commonOptions(target),
    'ControlMaster=auto',
    // The connection of a killed caller ends soon.
    'ControlPersist=60',
    `ControlPath=${escapeTokens(controlPath)}`,
    ...(target.jump === undefined ? [] : [`ProxyCommand=${jumpCommand(target, target.jump)}`]),
  ];
  return ['-T', ...options.flatMap((option) => ['-o', option]), ...destination(target)];
}

const COMMON = [
  'BatchMode=yes',
  'StrictHostKeyChecking=yes',
  'UpdateHostKeys=no',
  'ConnectTimeout=10',
  'ServerAliveInterval=5',
  'ServerAliveCountMax=3',
  'ForwardAgent=no',
  'PermitLocalCommand=no',
  'LogLevel=ERROR',
];

function commonOptions({ identityFile, knownHostsFile }: SshTarget): readonly string[] {
  return [
    ...COMMON,
    'ClearAllForwardings=yes',
    ...(knownHostsFile === undefined
      ? []
      : [`UserKnownHostsFile=${quoteOption(knownHostsFile)}`, 'GlobalKnownHostsFile=/dev/null']),
    ...(identityFile === undefined ? [] : [`IdentityFile=${quoteOption(identityFile)}`, 'IdentitiesOnly=yes']),
  ];
}

/**
 * What `-J` does, but with the key and the host keys of the target: options of the command line do not apply to the jump host of `-J`
 * (ssh(1)).
 */
function jumpCommand(target: SshTarget, jump: SshJump): string {
  // Resolved once more by the ssh of the jump, so the `%` of paths is escaped twice.
  const options = commonOptions(target).map((option) => option.replaceAll('%', '%%'));
  const words = ['ssh', ...options.flatMap((option) => ['-o', option])];
  return `${shellLine(words)} -W [%h]:%p ${shellLine(destination(jump))}`;
}

function destination({ address, port, user }: SshJump): readonly string[] {
  if (!ADDRESS.test(address)) throw invalid('invalid address', address);
  if (user !== undefined && !USER.test(user)) throw invalid('invalid user name', user);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw invalid('invalid port', String(port));
  }
  return [
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
