import { type HostPath, joinPath } from '@kube-rescue/host';
import { type Argv, runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type EquippedNode, execOnNode, runOnNode } from '../cluster/node-command.ts';
import { installServices, killService, type ServiceDefinition, startService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';
import { API_NAME, API_URL, CONTROL_PLANE, KUBECONFIG } from './layout.ts';
import { nodeServices } from './node-files.ts';
import { apiServerFiles, apiServerFlags, type Encryption } from './objects/api-server.ts';
import { controllerManagerFiles, controllerManagerFlags } from './objects/controllers.ts';
import type { Pki } from './pki.ts';

/** Differs from the port of the cluster's own API server, because both run at the same time. */
const PORT = 16_443;
const API = 'bootstrap-api-server';
const CONTROLLERS = 'bootstrap-controller-manager';
const SCHEDULER = 'bootstrap-scheduler';
const READY_DEADLINE_MS = 90_000;

/**
 * A temporary control plane outside the cluster, until the cluster runs its own. It is reached at the cluster's address: the
 * control-plane node redirects the port.
 */
export interface BootstrapControlPlane {
  /** Waits until the cluster's own API server is ready, and hands over the port. */
  handOverApi(deps: LabDeps): Promise<void>;
  /** Stops the temporary controllers and scheduler. */
  endControllers(deps: LabDeps): Promise<void>;
}

/** Starts the temporary control plane on the control-plane node. etcd must run; returns once the API server is ready. */
export async function startBootstrapControlPlane(
  machine: EquippedNode,
  { pki, encryption }: { readonly pki: Pki; readonly encryption: Encryption },
  deps: LabDeps,
): Promise<BootstrapControlPlane> {
  const { node } = machine;
  const directory = joinPath(node.directory, 'bootstrap');
  await deps.host.makeDirectory(directory, { mode: 0o700 });
  for (const [name, text] of Object.entries({ ...apiServerFiles(pki), ...controllerManagerFiles(pki) })) {
    await deps.host.writeFile(joinPath(directory, name), Buffer.from(text), { mode: 0o600 });
  }
  await installServices(node, [...nodeServices(machine), ...bootstrapServices(machine, directory, encryption)], deps);
  await redirect(machine, '--append', deps);
  await startService(node, API, deps);
  await waitForApi(machine, directory, [], deps);
  await startService(node, CONTROLLERS, deps);
  await startService(node, SCHEDULER, deps);
  return {
    handOverApi: async (atHandOver) => {
      // The loopback address is not redirected.
      await waitForApi(machine, directory, ['--resolve', `${API_NAME}:6443:127.0.0.1`], atHandOver);
      await redirect(machine, '--delete', atHandOver);
      // SIGKILL: on SIGTERM it would remove its address from the kubernetes Service.
      await killService(node, API, atHandOver);
    },
    endControllers: async (atEnd) => {
      for (const name of [CONTROLLERS, SCHEDULER]) await killService(node, name, atEnd);
      await installServices(node, nodeServices(machine), atEnd);
      await runCommand(atEnd, ['rm', '-rf', directory]);
    },
  };
}

function bootstrapServices(
  { binaries }: EquippedNode,
  directory: HostPath,
  encryption: Encryption,
): readonly ServiceDefinition[] {
  const run = (name: string, flags: readonly string[]): string => {
    return `set -- ${joinPath(binaries, name)} ${flags.map((flag) => `'${flag}'`).join(' ')}`;
  };
  const client = [`--kubeconfig=${KUBECONFIG}`, '--leader-elect=false'];
  const api = [
    `--advertise-address=${CONTROL_PLANE.address}`,
    `--secure-port=${PORT}`,
    // Only the cluster's own API server writes the endpoints of the kubernetes Service.
    '--endpoint-reconciler-type=none',
    ...apiServerFlags(directory, encryption),
  ];
  return [
    { name: API, program: run('kube-apiserver', api) },
    { name: CONTROLLERS, program: run('kube-controller-manager', [...client, ...controllerManagerFlags(directory)]) },
    { name: SCHEDULER, program: run('kube-scheduler', client) },
  ];
}

async function waitForApi(
  machine: EquippedNode,
  directory: HostPath,
  options: readonly string[],
  deps: LabDeps,
): Promise<void> {
  const curl: Argv = ['curl', '--silent', '--max-time', '5', '--cacert', joinPath(directory, 'ca.crt')];
  await waitFor(deps, {
    subject: 'kube-apiserver',
    deadlineMs: READY_DEADLINE_MS,
    check: async () => {
      const { stdout } = await execOnNode(machine, [...curl, ...options, `${API_URL}/readyz`], deps);
      return stdout === 'ok' ? { value: undefined } : { waitingFor: '/readyz is not ok' };
    },
  });
}

async function redirect(machine: EquippedNode, action: '--append' | '--delete', deps: LabDeps): Promise<void> {
  const rule = ['--protocol', 'tcp', '--destination', CONTROL_PLANE.address, '--dport', '6443'];
  for (const chain of ['PREROUTING', 'OUTPUT']) {
    const target = ['--jump', 'REDIRECT', '--to-ports', String(PORT)];
    await runOnNode(machine, ['iptables', '--wait', '--table', 'nat', action, chain, ...rule, ...target], deps);
  }
}
