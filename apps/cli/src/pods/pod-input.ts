import type { ControllerName, RescueStepDeps } from '@kube-rescue/pod-bootstrap';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/node';
import { Args, Flags } from '@oclif/core';
import { usageError } from '../envelope.ts';
import { podBootstrap, type Session } from '../wiring.ts';

export const controllerArg = Args.string({
  description: 'what pods are made by, as KIND/NAME: deployment/kube-scheduler, ds/kube-proxy',
  required: true,
});

/** Control-plane pods are in `kube-system` almost everywhere. */
export const systemNamespaceFlag = Flags.string({
  char: 'n',
  description: 'namespace that it is in',
  default: 'kube-system',
  helpValue: 'NAMESPACE',
});

export const clusterDomainFlag = Flags.string({
  description: 'DNS domain of the cluster; default: what its DNS server is configured with, else cluster.local',
  helpValue: 'DOMAIN',
});

/** How long a pod is waited for. */
export const waitFlag = Flags.integer({
  description: 'how long is waited, in seconds',
  default: 120,
  min: 1,
  max: 3600,
  helpValue: 'SECONDS',
});

/**
 * @throws CliError `USAGE`; PodError `POD_CONTROLLER_UNSUPPORTED`
 */
export async function toControllerName(text: string, namespace: string): Promise<ControllerName> {
  const [, kind, name] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (kind === undefined || name === undefined) {
    throw usageError(
      'this does not name what pods are made by',
      text,
      'give KIND/NAME, such as deployment/kube-scheduler',
    );
  }
  const { findControllerKind } = await podBootstrap();
  return { kind: findControllerKind(kind), namespace, name };
}

/** What the steps of pods work with on this node. */
export async function openPods(
  way: { readonly via: ObjectsVia; readonly search: EtcdSearch },
  { node, host, clock }: Session,
): Promise<RescueStepDeps> {
  return { access: node.objects.access(way), host, clock };
}
