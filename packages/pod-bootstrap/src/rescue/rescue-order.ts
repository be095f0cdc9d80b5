import { CONTROL_PLANE_COMPONENTS, type ControlPlaneComponent } from '../controllers/component.ts';

/** One component in the order of dependencies. */
export interface RescueTurn {
  readonly component: ControlPlaneComponent;
  /** The given components that must work before. */
  readonly requires: readonly ControlPlaneComponent[];
  /** The reason for its position. */
  readonly reason: string;
}

const NEEDS: Readonly<
  Record<ControlPlaneComponent, { readonly needs: readonly ControlPlaneComponent[]; readonly reason: string }>
> = {
  'kube-controller-manager': {
    needs: [],
    reason:
      'it publishes the CA to the service accounts of all other components, and creates the pods of DaemonSets and Deployments',
  },
  'kube-proxy': {
    needs: ['kube-controller-manager'],
    reason:
      'pods reach the API server by its Service address, whose route kube-proxy sets up; its pods are bound to their nodes and restart by themselves, kube-controller-manager replaces lost ones',
  },
  'cluster-dns': {
    needs: ['kube-controller-manager', 'kube-proxy'],
    reason: 'it reads Services through the Service address, with the token and the CA of its service account',
  },
  'kube-scheduler': {
    needs: ['kube-controller-manager', 'kube-proxy', 'cluster-dns'],
    reason: 'it reaches the API server by the Service address; the pods that it schedules need DNS',
  },
};

/**
 * The order of rescue pods: kube-controller-manager, kube-proxy, DNS, kube-scheduler, each with its dependencies among the
 * given components. Pure.
 *
 * A kube-controller-manager on the pod network that reaches the API server by its Service address needs the routes
 * of kube-proxy itself: these exist while the pod of kube-proxy is bound to the node, which restarts without controllers.
 */
export function rescueOrder(components: readonly ControlPlaneComponent[]): readonly RescueTurn[] {
  const wanted = new Set(components);
  return CONTROL_PLANE_COMPONENTS.filter((component) => wanted.has(component)).map((component) => {
    const { needs, reason } = NEEDS[component];
    return { component, requires: needs.filter((each) => wanted.has(each)), reason };
  });
}
