import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { ClusterMachine } from '../cluster/lab-cluster.ts';
import type { ClusterNode } from '../machine/lab-directory.ts';
import { readNodeText } from '../cluster/node-text.ts';
import { type ServiceDefinition, startService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';

/**
 * The SSH login from root on the control-plane node to the worker. The machine's own keys and known hosts are not touched.
 */
export interface SshAccess {
  readonly user: 'root';
  readonly port: number;
  /** The private key. */
  readonly identity: HostPath;
  /** Contains the worker's host key, by name and address. */
  readonly knownHosts: HostPath;
}

export const SSH_SERVICE = 'sshd';
const SSH_SERVER = hostPath('/usr/sbin/sshd');
const DO_NOT_RUN = hostPath('/etc/ssh/sshd_not_to_be_run');
const PORT = 22;
const START_DEADLINE_MS = 20_000;

/**
 * Keeps Debian from starting the SSH server that is about to be installed: it does not start while this file exists. Does
 * nothing on a machine that already has an SSH server.
 */
export async function forbidMachineSsh({ host }: Pick<LabDeps, 'host'>): Promise<void> {
  if ((await host.stat(SSH_SERVER)) !== undefined) return;
  await host.makeDirectory(joinPath(DO_NOT_RUN, '..'), { mode: 0o755 });
  await host.writeFile(DO_NOT_RUN, Buffer.alloc(0), { mode: 0o644 });
}

/** The credentials of {@link startSsh}. */
export function sshAccess({ directory }: ClusterNode): SshAccess {
  const at = (name: string): HostPath => joinPath(directory, 'ssh', name);
  return { user: 'root', port: PORT, identity: at('id_ed25519'), knownHosts: at('known_hosts') };
}

/** The SSH server of a worker, with the lab's keys; it permits root. */
export function sshService(worker: ClusterNode): ServiceDefinition {
  const config = joinPath(worker.directory, 'ssh', 'sshd_config');
  return { name: SSH_SERVICE, program: `mkdir -p /run/sshd\n  set -- ${SSH_SERVER} -D -e -f ${config}` };
}

/** Creates a host key for the worker and a login key for the control-plane node, and starts the worker's SSH server. */
export async function startSsh(controlPlane: ClusterMachine, worker: ClusterMachine, deps: LabDeps): Promise<void> {
  const { host } = deps;
  const server = joinPath(worker.node.directory, 'ssh');
  const { identity, knownHosts } = sshAccess(controlPlane.node);
  await host.makeDirectory(server, { mode: 0o700 });
  await host.makeDirectory(joinPath(identity, '..'), { mode: 0o700 });
  const hostKey = joinPath(server, 'ssh_host_ed25519_key');
  for (const file of [hostKey, identity]) {
    await runCommand(deps, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', file]);
  }
  const [publicHostKey, publicKey] = await Promise.all(
    [hostKey, identity].map((path) => readNodeText(hostPath(`${path}.pub`), deps)),
  );
  const authorized = joinPath(server, 'authorized_keys');
  await host.writeFile(authorized, Buffer.from(publicKey ?? ''), { mode: 0o600 });
  const { name, address } = worker.node;
  await host.writeFile(knownHosts, Buffer.from(`${name},${address} ${publicHostKey ?? ''}`), { mode: 0o600 });
  const config = renderServerConfig({ address, hostKey, authorized });
  await host.writeFile(joinPath(server, 'sshd_config'), Buffer.from(config), { mode: 0o600 });
  await startService(worker.node, SSH_SERVICE, deps);
  const login = ['ssh', '-i', identity, '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'BatchMode=yes'] as const;
  await waitFor(deps, {
    subject: 'sshd',
    deadlineMs: START_DEADLINE_MS,
    check: async () => {
      const argv = [...controlPlane.enter(), ...login, `root@${name}`, 'true'] as const;
      const { exitCode, stderr } = await host.exec(argv, { timeoutMs: 10_000, signal: deps.signal });
      return exitCode === 0 ? { value: undefined } : { waitingFor: stderr.trim() };
    },
  });
}

function renderServerConfig(input: { address: string; hostKey: HostPath; authorized: HostPath }): string {
  return `Port ${PORT}
ListenAddress ${input.address}
HostKey ${input.hostKey}
AuthorizedKeysFile ${input.authorized}
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
`;
}
