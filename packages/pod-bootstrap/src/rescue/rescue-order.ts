import { CONTROL_PLANE_COMPONENTS, type ControlPlaneComponent } from '../controllers/component.ts';

/** One component in the order in which they need each other. */
export interface RescueTurn {
  readonly component: ControlPlaneComponent;
  /** Those of the given ones that must be at work before. */
  readonly requires: readonly ControlPlaneComponent[];
  /** Why it stands where it stands. */
  readonly reason: string;
}

const NEEDS: Readonly<
  Record<ControlPlaneComponent, { readonly needs: readonly ControlPlaneComponent[]; readonly reason: string }>
> = {
  'kube-controller-manager': {
    needs: [],
    reason:
      'it hands the CA to the service accounts that all others log in with, and makes the pods of DaemonSets and Deployments',
  },
  'kube-proxy': {
    needs: ['kube-controller-manager'],
    reason:
      'pods find the API server by its Service address, and kube-proxy lays the route; its pods are bound to their nodes and come back by themselves, lost ones are made by kube-controller-manager',
  },
  'cluster-dns': {
    needs: ['kube-controller-manager', 'kube-proxy'],
    reason: 'it reads Services through the Service address, with a token and a CA of its service account',
  },
  'kube-scheduler': {
    needs: ['kube-controller-manager', 'kube-proxy', 'cluster-dns'],
    reason: 'it reaches the API server by the Service address; what it schedules needs names',
  },
};

/**
 * The order in which parts of the control plane are brought back: kube-controller-manager, kube-proxy, DNS, kube-scheduler,
 * each with what it waits for among those given. Pure.
 *
 * A kube-controller-manager that runs on the pod network and finds the API server by its Service address needs the routes
 * of kube-proxy itself: those are there as long as kube-proxy's pod is bound to the node, which needs nobody to restart.
 */
export function rescueOrder(components: readonly ControlPlaneComponent[]): readonly RescueTurn[] {
  const wanted = new Set(components);
  return CONTROL_PLANE_COMPONENTS.filter((component) => wanted.has(component)).map((component) => {
    const { needs, reason } = NEEDS[component];
    return { component, requires: needs.filter((each) => wanted.has(each)), reason };
  });
}
