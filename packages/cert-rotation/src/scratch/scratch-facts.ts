/** What certificates from scratch need, and neither flags nor certificates tell. */
export interface ScratchFacts {
  /** The name of the Node; `undefined` when nothing on the node tells it. */
  readonly nodeName: string | undefined;
  /** kubeadm's `networking.dnsDomain`. */
  readonly clusterDomain: string;
  /** Of the control plane: 30 of `v1.30.4`; `undefined` when the manifests do not tell it. */
  readonly kubernetesMinor: number | undefined;
  /** The URL of the API servers by kubeadm's configuration; `undefined` without it. */
  readonly controlPlaneUrl: string | undefined;
  /** DNS names and addresses that kubeadm's configuration adds. */
  readonly apiServerNames: readonly string[];
  readonly etcdServerNames: readonly string[];
  readonly etcdPeerNames: readonly string[];
  /** `certificateValidityPeriod` of kubeadm's configuration, and its file. */
  readonly configuredLifetime: { readonly days: number; readonly path: string } | undefined;
}
