import { hostPath, joinPath } from '@kube-rescue/host';
import { randomBytes } from 'node:crypto';
import { runCommand } from '../machine/command.ts';
import { containerdProgram } from '../machine/containerd.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { nodeFile } from '../machine/lab-directory.ts';
import type { EquippedNode } from '../cluster/node-command.ts';
import { renderFlannelPlugin } from '../programs/images.ts';
import { labRuntime, provideRuntime } from '../programs/runtime.ts';
import { type ServiceDefinition, unitProgram } from '../machine/services.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import {
  CONTROL_PLANE,
  ENCRYPTION_CONFIG,
  ETCD_TLS_DIRECTORY,
  KUBECONFIG,
  NETWORK_DIRECTORIES,
  WORKER,
} from './layout.ts';
import type { Pki } from './pki.ts';
import { sshService } from '../cluster/ssh.ts';
import { ETCD_SERVICE, renderEtcdUnit, renderKubeletUnit, UNIT_DIRECTORY } from './units.ts';

/** The plugins that flannel delegates to, from Debian's package. */
const NETWORK_PLUGINS = ['bridge', 'host-local', 'loopback', 'portmap'] as const;
const DEBIAN_PLUGINS = hostPath('/usr/lib/cni');

/** The services of a node, started by their unit files; containerd comes from the distribution. */
export function nodeServices({ node }: EquippedNode): readonly ServiceDefinition[] {
  const units = node.name === CONTROL_PLANE.name ? ['kubelet', ETCD_SERVICE] : ['kubelet'];
  return [
    { name: 'containerd', program: containerdProgram(node) },
    ...units.map((name) => ({ name, program: unitProgram(`${UNIT_DIRECTORY}/${name}.service`) })),
    ...(node.name === WORKER.name ? [sshService(node)] : []),
  ];
}

/** Writes the installer's files to a node: units, the kubeconfig, network plugins, and etcd's files where etcd runs. */
export async function writeNodeFiles(machine: EquippedNode, pki: Pki, deps: LabDeps): Promise<void> {
  const { node } = machine;
  const write = (path: string, text: string, mode: number): Promise<void> =>
    deps.host.writeFile(nodeFile(node, path), Buffer.from(text), { mode });
  await write(`${UNIT_DIRECTORY}/kubelet.service`, renderKubeletUnit(machine), 0o644);
  await write(KUBECONFIG, renderKubeconfig(pki['kube-ca'].certificate, pki.kubelet), 0o600);
  const directory = nodeFile(node, NETWORK_DIRECTORIES.binaries);
  const plugins = NETWORK_PLUGINS.map((name) => joinPath(DEBIAN_PLUGINS, name));
  await runCommand(deps, ['cp', '--target-directory', directory, ...plugins]);
  await provideRuntime(node, deps);
  await write(`${NETWORK_DIRECTORIES.binaries}/flannel`, renderFlannelPlugin(labRuntime(node)), 0o755);
  if (node.name !== CONTROL_PLANE.name) return;
  await write(`${UNIT_DIRECTORY}/${ETCD_SERVICE}.service`, renderEtcdUnit(), 0o644);
  await write(`${ETCD_TLS_DIRECTORY}/ca.crt`, pki['etcd-ca'].certificate, 0o644);
  for (const name of ['server', 'peer', 'client'] as const) {
    await write(`${ETCD_TLS_DIRECTORY}/${name}.crt`, pki[name].certificate, 0o644);
    await write(`${ETCD_TLS_DIRECTORY}/${name}.key`, pki[name].key, 0o600);
  }
}

/** Writes the EncryptionConfiguration of the API server, with a new key, to the control-plane node. */
export async function writeEncryptionConfig({ node }: EquippedNode, deps: LabDeps): Promise<void> {
  const file = nodeFile(node, ENCRYPTION_CONFIG);
  const config = `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aescbc:
      keys:
      - name: key1
        secret: ${randomBytes(32).toString('base64')}
  - identity: {}
`;
  await deps.host.makeDirectory(joinPath(file, '..'), { mode: 0o755 });
  // Root's, because whoever owns it can change it; readable for the group that a pod has without `runAsGroup`: root's.
  await deps.host.writeFile(file, Buffer.from(config), { mode: 0o640 });
}
