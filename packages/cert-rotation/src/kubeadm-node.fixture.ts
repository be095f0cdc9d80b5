import type { Component, ComponentFlags } from '@kube-rescue/node-config';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import {
  buildPki,
  createFakeHost,
  type FakeHost,
  type NodeTree,
  type Pki,
  type PkiOptions,
  staticPodManifests,
  type TreeEntry,
} from '@kube-rescue/testing';
import { createChangeRegistry, hostChangeKinds, type StepJournal } from '@kube-rescue/workflow';
import { parse } from 'yaml';
import type { InspectionInput } from './inventory/inventory.ts';

export const NOW = new Date('2026-03-01T12:00:00Z');
const KUBERNETES = hostPath('/etc/kubernetes');
const PKI = hostPath('/etc/kubernetes/pki');

interface Pod {
  readonly spec: { readonly containers: readonly [{ readonly command: readonly string[] }] };
}

function readFlags(manifest: string): ReadonlyMap<string, string> {
  const [, ...args] = (parse(manifest) as Pod).spec.containers[0].command;
  return new Map(args.map((arg) => /^--([^=]+)=?(.*)$/s.exec(arg)?.slice(1, 3) as [string, string]));
}

/** The components of a kubeadm node, with manifest flags. `changes` overrides flags; `undefined` omits a component. */
export function kubeadmComponents(
  changes: Partial<Record<Component, Readonly<Record<string, string>> | undefined>> = {},
  certificatesDir: HostPath = PKI,
): readonly ComponentFlags[] {
  const manifests = staticPodManifests({ nodeName: 'node01', address: '10.9.0.11', certificatesDir });
  const pods = Object.entries(manifests).map(([file, text]) => ({
    component: file.replace('.yaml', '') as Component,
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

type Files = Map<HostPath, TreeEntry>;

export interface Node {
  readonly pki: Pki;
  readonly tree: NodeTree;
  readonly host: FakeHost;
  readonly input: InspectionInput;
}

/** A kubeadm node in memory; `edit` changes its files beforehand, `changes` the flags of its components. */
export async function kubeadmNode(
  options: PkiOptions = {},
  edit: (files: Files, pki: Pki) => void | Promise<void> = () => undefined,
  changes: Parameters<typeof kubeadmComponents>[0] = {},
): Promise<Node> {
  const pki = await buildPki({ now: NOW, ...options });
  const tree = new Map(pki.tree);
  await edit(tree, pki);
  const components = kubeadmComponents(changes, options.certificatesDir);
  return { pki, tree, host: createFakeHost({ tree }), input: { components, kubernetesDirectory: KUBERNETES } };
}

export function putFile(files: Files, path: string, text: string, mode = 0o600): void {
  files.set(hostPath(path), { kind: 'file', bytes: Buffer.from(text), mode });
}

export function textIn(files: ReadonlyMap<HostPath, TreeEntry>, path: string): string {
  const entry = files.get(hostPath(path));
  return entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
}

export async function textAt(host: Pick<Host, 'readFile'>, path: string): Promise<string> {
  return Buffer.from((await host.readFile(hostPath(path))) ?? '').toString();
}

/** Embeds the certificate of the kubelet's store in kubelet.conf, as before Kubernetes 1.17. */
export function embedKubeletCertificate(files: Files, { pairs }: Pki): void {
  const { certificate, key } = pairs['kubelet-client'];
  const data = (pem: string): string => Buffer.from(pem).toString('base64');
  const conf = textIn(files, '/etc/kubernetes/kubelet.conf')
    .replace(/client-certificate: .*/, `client-certificate-data: ${data(certificate)} # by hand`)
    .replace(/client-key: .*/, `client-key-data: ${data(key)}`);
  putFile(files, '/etc/kubernetes/kubelet.conf', conf);
}

/** Performs edits without a journal, like the host's change kinds. */
export function directJournal(host: Host): StepJournal {
  const kinds = createChangeRegistry(hostChangeKinds(host));
  return {
    perform: async (edits) => {
      for (const { change, material } of edits) await kinds.get(change.kind)?.apply(change, material);
    },
    waitingFor: () => undefined,
  };
}
