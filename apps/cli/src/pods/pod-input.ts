import type { ControllerName, RescueStepDeps } from '@kube-rescue/pod-bootstrap';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/node';
import { Args, Flags } from '@oclif/core';
import { seconds } from '../flags.ts';
import { usageError } from '../envelope.ts';
import { podBootstrap, type Session } from '../wiring.ts';

export const controllerArg = Args.string({
  description: 'controller of the pods, as KIND/NAME: deployment/kube-scheduler, ds/kube-proxy',
  required: true,
});

/** Control-plane pods are in `kube-system` almost everywhere. */
export const systemNamespaceFlag = Flags.string({
  char: 'n',
  description: 'namespace of the controller',
  default: 'kube-system',
  helpValue: 'NAMESPACE',
});

export const clusterDomainFlag = Flags.string({
  description: 'DNS domain of the cluster; default: from the configuration of cluster DNS, else cluster.local',
  helpValue: 'DOMAIN',
});

/** Timeout for a pod. */
export const waitFlag = seconds({
  description: 'how long to wait: seconds, or 5m',
  default: 120,
  least: 1,
  most: 3600,
});

/**
 * @throws CliError `USAGE`; PodError `POD_CONTROLLER_UNSUPPORTED`
 */
export async function toControllerName(text: string, namespace: string): Promise<ControllerName> {
  const [, kind, name] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (kind === undefined || name === undefined) {
    throw usageError('not a controller of pods', text, 'give KIND/NAME, such as deployment/kube-scheduler');
  }
  const { findControllerKind } = await podBootstrap();
  return { kind: findControllerKind(kind), namespace, name };
}

/** Dependencies of the pod steps on this node. */
export async function openPods(
  source: { readonly via: ObjectsVia; readonly search: EtcdSearch },
  { node, host, clock }: Session,
): Promise<RescueStepDeps> {
  return { access: node.objects.access(source), host, clock };
}
