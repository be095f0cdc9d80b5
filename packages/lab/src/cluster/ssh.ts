import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { ClusterNode } from '../machine/lab-directory.ts';
import type { ClusterMachine } from './lab-cluster.ts';
import { readNodeText } from './node-text.ts';
import { type ServiceDefinition, startService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';

/**
 * The SSH login from root on the control-plane node to other nodes. The machine's own keys and known hosts are not touched.
 */
export interface SshAccess {
  readonly user: 'root';
  readonly port: number;
  /** The private key. */
  readonly identity: HostPath;
  /** Contains the host key of each node that can be logged in to, by name and address. */
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

/** The SSH server of a node, with the lab's keys; it permits root. */
export function sshService(node: ClusterNode): ServiceDefinition {
  const config = joinPath(node.directory, 'ssh', 'sshd_config');
  return { name: SSH_SERVICE, program: `mkdir -p /run/sshd\n  set -- ${SSH_SERVER} -D -e -f ${config}` };
}

/**
 * Creates a login key for root on `from`, starts the SSH server of each of `others`, which have {@link sshService}, and waits until
 * each lets that key in.
 */
export async function startSsh(from: ClusterMachine, others: readonly ClusterMachine[], deps: LabDeps): Promise<void> {
  const { identity, knownHosts } = sshAccess(from.node);
  await deps.host.makeDirectory(joinPath(identity, '..'), { mode: 0o700 });
  await createKey(identity, deps);
  const publicKey = await readNodeText(publicPart(identity), deps);
  const known: string[] = [];
  for (const { node } of others) known.push(await startServer(node, publicKey, deps));
  await deps.host.writeFile(knownHosts, Buffer.from(known.join('')), { mode: 0o600 });
  for (const { node } of others) await waitForLogin(from, node, deps);
}

/** Starts the SSH server of a node with a new host key. Returns its line of known hosts. */
async function startServer(node: ClusterNode, publicKey: string, deps: LabDeps): Promise<string> {
  const { host } = deps;
  const directory = joinPath(node.directory, 'ssh');
  await host.makeDirectory(directory, { mode: 0o700 });
  const hostKey = joinPath(directory, 'ssh_host_ed25519_key');
  await createKey(hostKey, deps);
  const authorized = joinPath(directory, 'authorized_keys');
  await host.writeFile(authorized, Buffer.from(publicKey), { mode: 0o600 });
  const { name, address } = node;
  const homeDirectory = joinPath(node.directory, 'home');
  const config = renderServerConfig({ address, hostKey, authorized, homeDirectory });
  await host.writeFile(joinPath(directory, 'sshd_config'), Buffer.from(config), { mode: 0o600 });
  await startService(node, SSH_SERVICE, deps);
  return `${name},${address} ${await readNodeText(publicPart(hostKey), deps)}`;
}

async function waitForLogin(from: ClusterMachine, { name }: ClusterNode, deps: LabDeps): Promise<void> {
  const { identity, knownHosts } = sshAccess(from.node);
  const login = ['ssh', '-i', identity, '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'BatchMode=yes'] as const;
  await waitFor(deps, {
    subject: `sshd of ${name}`,
    deadlineMs: START_DEADLINE_MS,
    check: async () => {
      const argv = [...from.enter(), ...login, `root@${name}`, 'true'] as const;
      const { exitCode, stderr } = await deps.host.exec(argv, { timeoutMs: 10_000, signal: deps.signal });
      return exitCode === 0 ? { value: undefined } : { waitingFor: stderr.trim() };
    },
  });
}

async function createKey(file: HostPath, deps: LabDeps): Promise<void> {
  await runCommand(deps, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', file]);
}

function publicPart(key: HostPath): HostPath {
  return hostPath(`${key}.pub`);
}

interface ServerConfig {
  readonly address: string;
  readonly hostKey: HostPath;
  readonly authorized: HostPath;
  readonly homeDirectory: HostPath;
}

/**
 * A home directory of the node's own: what root's shell does at its start on this machine is not the node's, may take longer
 * than the command, and may wait for a lock that another shell has left.
 */
function renderServerConfig(input: ServerConfig): string {
  return `Port ${PORT}
ListenAddress ${input.address}
HostKey ${input.hostKey}
AuthorizedKeysFile ${input.authorized}
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
SetEnv HOME=${input.homeDirectory}
PidFile none
Subsystem sftp internal-sftp
`;
}
