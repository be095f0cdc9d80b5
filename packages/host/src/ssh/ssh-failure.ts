import { HostError, type HostErrorCode } from '../errors.ts';
import type { SshTarget } from './ssh-target.ts';

interface Sign {
  readonly said: RegExp;
  readonly code: HostErrorCode;
  readonly message: string;
  readonly hint: (address: string) => string;
}

/** Error texts of OpenSSH's client, in the order of matching. Sources: sshconnect.c, sshconnect2.c, readconf.c. */
const SIGNS: readonly Sign[] = [
  {
    said: /IDENTIFICATION HAS CHANGED|Host key for .* has changed|REVOKED HOST KEY|was revoked/,
    code: 'SSH_HOST_KEY_CHANGED',
    message: 'the host key differs from the known one; nothing was sent',
    hint: (address) =>
      `find out from its console whether it was reinstalled (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), only then: ssh-keygen -R ${address}, and add its key again`,
  },
  {
    said: /host key is known for|Host key verification failed/,
    code: 'SSH_HOST_KEY_UNKNOWN',
    message: 'the host key of the machine is unknown; nothing was sent',
    hint: (address) =>
      `compare ssh-keyscan ${address} with the machine's own console, add it to known_hosts, or name the file with --ssh-known-hosts`,
  },
  {
    said: /Permission denied|Too many authentication failures|No more authentication methods|UNPROTECTED PRIVATE KEY/,
    code: 'SSH_AUTHENTICATION_FAILED',
    message: 'authentication failed for this user and key',
    hint: () =>
      'pass the key and the user with --ssh-identity and --ssh-user; the key must have no passphrase or be in the agent',
  },
];

/** Translates a failure of `ssh` itself (exit 255). */
export function sshFailure({ address }: Pick<SshTarget, 'address'>, stderr: string): HostError {
  const sign = SIGNS.find(({ said }) => said.test(stderr));
  if (sign !== undefined) {
    const { code, message, hint } = sign;
    return new HostError({ code, message, subject: address, hint: hint(address) });
  }
  const reason = stderr.trim().split('\n').at(-1)?.trim() ?? '';
  return new HostError({
    code: 'SSH_UNREACHABLE',
    message: `cannot connect to the machine over SSH${reason === '' ? '' : `: ${reason}`}`,
    subject: address,
    hint: `check that it is on and that sshd responds: ssh -v ${address}`,
  });
}

/** This machine has no program `ssh`. */
export function sshMissing(cause: unknown): HostError {
  return new HostError({
    code: 'SSH_COMMAND_MISSING',
    message: 'ssh is not installed on this machine',
    subject: 'ssh',
    hint: 'install openssh-client, or carry the files by hand: `kube-rescue nodes join --bundle DIR`',
    cause,
  });
}
