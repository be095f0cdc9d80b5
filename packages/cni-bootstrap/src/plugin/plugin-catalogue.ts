import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { readPodTemplate } from './pod-template.ts';

/** A network plugin, as its own manifests call it. */
export interface KnownPlugin {
  readonly id: string;
  /** As it is written. */
  readonly title: string;
  /** Of the DaemonSet, or the image of one of its containers. */
  readonly sign: RegExp;
  /** What it waits for on a node whose files are gone; `undefined` for the one that can be given its files. */
  readonly needs: string | undefined;
}

const WRITES_ITSELF = 'its own pod on the node writes the configuration once it reaches the API server';

/**
 * The network plugins that are told apart, the more special first: Canal runs flannel and Calico in one pod.
 *
 * Source: the DaemonSets of each project's own manifests.
 */
const CATALOGUE: readonly KnownPlugin[] = [
  plugin('canal', 'Canal', /^canal\b/, `${WRITES_ITSELF}; Calico's part of it needs a token of its service account`),
  plugin(
    'calico',
    'Calico',
    /^calico-node\b|\/(calico\/)?node:/,
    `${WRITES_ITSELF}, with a token made for the CNI plugin`,
  ),
  plugin('cilium', 'Cilium', /^cilium\b|\/cilium\/cilium:/, `${WRITES_ITSELF}; its agent hands out the addresses`),
  plugin(
    'weave',
    'Weave Net',
    /^weave-net\b|\/weave-kube:/,
    `${WRITES_ITSELF}; it keeps the addresses among its peers`,
  ),
  plugin('kube-router', 'kube-router', /^kube-router\b|\/kube-router:/, `${WRITES_ITSELF}, with the Node's pod CIDR`),
  plugin('kube-ovn', 'Kube-OVN', /^kube-ovn-cni\b|\/kube-ovn:/, `${WRITES_ITSELF} and Open vSwitch`),
  plugin('ovn-kubernetes', 'OVN-Kubernetes', /^ovnkube-node\b|\/ovn-kube/, `${WRITES_ITSELF} and Open vSwitch`),
  plugin('openshift-sdn', 'OpenShift SDN', /^sdn$/, `${WRITES_ITSELF} and Open vSwitch`),
  plugin('antrea', 'Antrea', /^antrea-agent\b|\/antrea-/, `${WRITES_ITSELF} and Open vSwitch`),
  plugin('aws-vpc-cni', 'Amazon VPC CNI', /^aws-node\b|\/amazon-k8s-cni:/, `${WRITES_ITSELF} and the EC2 API`),
  plugin('azure-cni', 'Azure CNI', /^azure-(cni|cns)\b|\/azure-cns:/, `${WRITES_ITSELF} and Azure's host agent`),
  plugin('kindnet', 'kindnet', /^kindnet\b|\/kindnetd:/, WRITES_ITSELF),
  plugin('romana', 'Romana', /^romana-agent\b/, WRITES_ITSELF),
  plugin('contiv', 'Contiv', /^contiv-(netplugin|vswitch)\b/, WRITES_ITSELF),
  plugin('flannel', 'flannel', /^(kube-)?flannel(-ds)?\b|\/(mirrored-)?flannel(cni-flannel|d)?:/, undefined),
];

/** Which network plugin a DaemonSet is, or `undefined` when it is none that is known. */
export function recognisePlugin(daemonSet: KubernetesObject): KnownPlugin | undefined {
  const { containers } = readPodTemplate(daemonSet);
  const signs = [daemonSet.metadata.name, ...containers.map(({ image }) => `/${image}`)];
  return CATALOGUE.find(({ sign }) => signs.some((each) => sign.test(each)));
}

function plugin(id: string, title: string, sign: RegExp, needs: string | undefined): KnownPlugin {
  return { id, title, sign, needs };
}
