import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost, type FakeHost, type NodeTree, type Pki, type PkiOptions, staticPodManifests } from '@kube-rescue/testing';
import { parse } from 'yaml';
import type { ComponentFlags, ComponentName } from './component-flags.ts';
import type { InspectionInput } from './inventory.ts';

export const NOW = new Date('2026-03-01T12:00:00Z');
export const KUBERNETES = hostPath('/etc/kubernetes');
export const PKI = hostPath('/etc/kubernetes/pki');

interface Pod {
  readonly spec: { readonly containers: readonly [{ readonly command: readonly string[] }] };
}

function readFlags(manifest: string): ReadonlyMap<string, string> {
  const [, ...args] = (parse(manifest) as Pod).spec.containers[0].command;
  return new Map(args.map((arg) => /^--([^=]+)=?(.*)$/s.exec(arg)?.slice(1, 3) as [string, string]));
}

/** The components of a kubeadm node, with the flags of its manifests. `changes` overrides flags; `undefined` drops a component. */
export function kubeadmComponents(
  changes: Partial<Record<ComponentName, Readonly<Record<string, string>> | undefined>> = {},
  certificatesDir: HostPath = PKI,
): readonly ComponentFlags[] {
  const manifests = staticPodManifests({ nodeName: 'node01', address: '10.9.0.11', certificatesDir });
  const pods = Object.entries(manifests).map(([file, text]) => ({
    component: file.replace('.yaml', '') as ComponentName,
    source: hostPath(`/etc/kubernetes/manifests/${file}`),
    flags: readFlags(text),
  }));
  const kubelet = {
    component: 'kubelet' as const,
    source: hostPath('/var/lib/kubelet/kubeadm-flags.env'),
    flags: new Map([['kubeconfig', '/etc/kubernetes/kubelet.conf']]),
  };
  return [...pods, kubelet].flatMap((each) => {
    if (!(each.component in changes)) return [each];
    const overrides = changes[each.component];
    return overrides === undefined ? [] : [{ ...each, flags: new Map([...each.flags, ...Object.entries(overrides)]) }];
  });
}

export interface Node {
  readonly pki: Pki;
  readonly host: FakeHost;
  readonly input: InspectionInput;
}

/** A kubeadm node in memory; `edit` changes its files before it is made. */
export async function kubeadmNode(
  options: PkiOptions = {},
  edit: (files: Map<HostPath, NodeTree extends ReadonlyMap<HostPath, infer E> ? E : never>, pki: Pki) => void | Promise<void> = () => {},
  changes: Parameters<typeof kubeadmComponents>[0] = {},
): Promise<Node> {
  const pki = await buildPki({ now: NOW, ...options });
  const files = new Map(pki.tree);
  await edit(files, pki);
  const components = kubeadmComponents(changes, options.certificatesDir);
  return { pki, host: createFakeHost({ tree: files }), input: { components, kubernetesDirectory: KUBERNETES } };
}

export async function textAt(host: Pick<Host, 'readFile'>, path: string): Promise<string> {
  return Buffer.from((await host.readFile(hostPath(path))) ?? '').toString();
}
