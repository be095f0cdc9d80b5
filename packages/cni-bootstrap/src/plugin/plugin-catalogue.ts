import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { readPodTemplate } from './pod-template.ts';

/** A network plugin in the catalogue. */
export interface KnownPlugin {
  readonly id: string;
  /** Its spelling. */
  readonly title: string;
  /** Matches the name of the DaemonSet, or an image of its containers. */
  readonly pattern: RegExp;
  /** What it needs on a node without its files; `undefined` for flannel, whose files can be written. */
  readonly needs: string | undefined;
}

const WRITTEN_BY_POD = 'its own pod on the node writes the configuration once it reaches the API server';

/**
 * The known network plugins, the more specific first: Canal runs flannel and Calico in one pod.
 *
 * Source: the DaemonSets of each project's own manifests.
 */
const CATALOGUE: readonly KnownPlugin[] = [
  plugin('canal', 'Canal', /^canal\b/, `${WRITTEN_BY_POD}; its Calico part needs a token of its service account`),
  plugin('calico', 'Calico', /^calico-node\b|\/(calico\/)?node:/, `${WRITTEN_BY_POD}, with a token for the CNI plugin`),
  plugin('cilium', 'Cilium', /^cilium\b|\/cilium\/cilium:/, `${WRITTEN_BY_POD}; its agent hands out the addresses`),
  plugin('weave', 'Weave Net', /^weave-net\b|\/weave-kube:/, `${WRITTEN_BY_POD}; its peers hold the addresses`),
  plugin('kube-router', 'kube-router', /^kube-router\b|\/kube-router:/, `${WRITTEN_BY_POD}, with the Node's pod CIDR`),
  plugin('kube-ovn', 'Kube-OVN', /^kube-ovn-cni\b|\/kube-ovn:/, `${WRITTEN_BY_POD} and Open vSwitch`),
  plugin('ovn-kubernetes', 'OVN-Kubernetes', /^ovnkube-node\b|\/ovn-kube/, `${WRITTEN_BY_POD} and Open vSwitch`),
  plugin('openshift-sdn', 'OpenShift SDN', /^sdn$/, `${WRITTEN_BY_POD} and Open vSwitch`),
  plugin('antrea', 'Antrea', /^antrea-agent\b|\/antrea-/, `${WRITTEN_BY_POD} and Open vSwitch`),
  plugin('aws-vpc-cni', 'Amazon VPC CNI', /^aws-node\b|\/amazon-k8s-cni:/, `${WRITTEN_BY_POD} and the EC2 API`),
  plugin('azure-cni', 'Azure CNI', /^azure-(cni|cns)\b|\/azure-cns:/, `${WRITTEN_BY_POD} and Azure's host agent`),
  plugin('kindnet', 'kindnet', /^kindnet\b|\/kindnetd:/, WRITTEN_BY_POD),
  plugin('romana', 'Romana', /^romana-agent\b/, WRITTEN_BY_POD),
  plugin('contiv', 'Contiv', /^contiv-(netplugin|vswitch)\b/, WRITTEN_BY_POD),
  plugin('flannel', 'flannel', /^(kube-)?flannel(-ds)?\b|\/(mirrored-)?flannel(cni-flannel|d)?:/, undefined),
];

/** The known network plugin of a DaemonSet, if any. */
export function identifyPlugin(daemonSet: KubernetesObject): KnownPlugin | undefined {
  const { containers } = readPodTemplate(daemonSet);
  const texts = [daemonSet.metadata.name, ...containers.map(({ image }) => `/${image}`)];
  return CATALOGUE.find(({ pattern }) => texts.some((each) => pattern.test(each)));
}

function plugin(id: string, title: string, pattern: RegExp, needs: string | undefined): KnownPlugin {
  return { id, title, pattern, needs };
}
