import { hostPath, joinPath } from '@kube-rescue/host';
import { randomBytes } from 'node:crypto';
import { runCommand } from '../machine/command.ts';
import { containerdProgram } from '../machine/containerd.ts';
import type { LabDeps } from '../cluster/deps.ts';
import { nodeFile } from '../machine/lab-directory.ts';
import type { EquippedNode } from '../cluster/node-command.ts';
import { renderFlannelPlugin } from '../programs/images.ts';
import { type ServiceDefinition, unitProgram } from '../machine/services.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import {
  CONTROL_PLANE,
  ENCRYPTION_CONFIG,
  ETCD_TLS_FOLDER,
  KUBECONFIG,
  NETWORK_FOLDERS,
  NOBODY,
  WORKER,
} from './layout.ts';
import type { Pki } from './pki.ts';
import { sshService } from './ssh.ts';
import { ETCD_SERVICE, renderEtcdUnit, renderKubeletUnit, UNIT_FOLDER } from './units.ts';

/** The plugins that flannel's delegates to; from Debian's package. */
const NETWORK_PLUGINS = ['bridge', 'host-local', 'loopback', 'portmap'] as const;
const DEBIAN_PLUGINS = hostPath('/usr/lib/cni');

/** The services that a node has, each started as its unit file says; containerd belongs to the distribution. */
export function nodeServices({ node }: EquippedNode): readonly ServiceDefinition[] {
  const units = node.name === CONTROL_PLANE.name ? ['kubelet', ETCD_SERVICE] : ['kubelet'];
  return [
    { name: 'containerd', program: containerdProgram(node) },
    ...units.map((name) => ({ name, program: unitProgram(`${UNIT_FOLDER}/${name}.service`) })),
    ...(node.name === WORKER.name ? [sshService(node)] : []),
  ];
}

/** Puts on a node what the installer does: units, the kubeconfig, network plugins, and etcd's files where etcd runs. */
export async function writeNodeFiles(machine: EquippedNode, pki: Pki, deps: LabDeps): Promise<void> {
  const { node } = machine;
  const write = (path: string, text: string, mode: number): Promise<void> =>
    deps.host.writeFile(nodeFile(node, path), Buffer.from(text), { mode });
  await write(`${UNIT_FOLDER}/kubelet.service`, renderKubeletUnit(machine), 0o644);
  await write(KUBECONFIG, renderKubeconfig(pki['kube-ca'].certificate, pki.kubelet), 0o600);
  const folder = nodeFile(node, NETWORK_FOLDERS.binaries);
  const plugins = NETWORK_PLUGINS.map((name) => joinPath(DEBIAN_PLUGINS, name));
  await runCommand(deps, ['cp', '--target-directory', folder, ...plugins]);
  await write(`${NETWORK_FOLDERS.binaries}/flannel`, renderFlannelPlugin(), 0o755);
  if (node.name !== CONTROL_PLANE.name) return;
  await write(`${UNIT_FOLDER}/${ETCD_SERVICE}.service`, renderEtcdUnit(), 0o644);
  await write(`${ETCD_TLS_FOLDER}/ca.crt`, pki['etcd-ca'].certificate, 0o644);
  for (const name of ['server', 'peer', 'client'] as const) {
    await write(`${ETCD_TLS_FOLDER}/${name}.crt`, pki[name].certificate, 0o644);
    await write(`${ETCD_TLS_FOLDER}/${name}.key`, pki[name].key, 0o600);
  }
}

/** The key with which the API server encrypts Secrets in etcd; only the control-plane node has it. */
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
  await deps.host.writeFile(file, Buffer.from(config), { mode: 0o600, owner: NOBODY });
}
