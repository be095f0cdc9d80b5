import type { NodeAccess } from '@kube-rescue/node-join';
import { Flags } from '@oclif/core';
import type { Session } from '../wiring.ts';

const LAST_PORT = 65_535;

/** SSH connections to other machines; default: the configuration of `ssh`. */
export const sshFlags = {
  'ssh-identity': Flags.string({
    description: 'private key to log in with, and no other',
    helpValue: 'FILE',
    helpGroup: 'SSH',
  }),
  'ssh-known-hosts': Flags.string({
    description: 'only known_hosts file to use; unknown host keys are never accepted',
    helpValue: 'FILE',
    helpGroup: 'SSH',
  }),
  'ssh-port': Flags.integer({
    description: 'port of sshd',
    min: 1,
    max: LAST_PORT,
    helpValue: 'PORT',
    helpGroup: 'SSH',
  }),
  'ssh-user': Flags.string({ description: 'user to log in as', helpValue: 'USER', helpGroup: 'SSH' }),
  'ssh-sudo': Flags.boolean({ description: 'become root with sudo -n', helpGroup: 'SSH' }),
  'ssh-service-command': Flags.string({
    description: '--service-command of the other machine',
    helpValue: 'PROGRAM',
    helpGroup: 'SSH',
  }),
};

/** The values of {@link sshFlags}. */
export interface SshFlags {
  readonly 'ssh-identity': string | undefined;
  readonly 'ssh-known-hosts': string | undefined;
  readonly 'ssh-port': number | undefined;
  readonly 'ssh-user': string | undefined;
  readonly 'ssh-sudo': boolean;
  readonly 'ssh-service-command': string | undefined;
}

/** SSH connection to `[USER@]HOST`. */
export function toAccess(text: string, flags: SshFlags, { localFiles }: Pick<Session, 'localFiles'>): NodeAccess {
  const at = text.lastIndexOf('@');
  const file = (path: string | undefined): string | null => (path === undefined ? null : localFiles.path(path));
  return {
    address: text.slice(at + 1),
    port: flags['ssh-port'] ?? null,
    user: at > 0 ? text.slice(0, at) : (flags['ssh-user'] ?? null),
    identityFile: file(flags['ssh-identity']),
    knownHostsFile: file(flags['ssh-known-hosts']),
    sudo: flags['ssh-sudo'],
    serviceCommand: flags['ssh-service-command'] ?? null,
  };
}
