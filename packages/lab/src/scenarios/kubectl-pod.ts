import { joinPath } from '@kube-rescue/host';
import { WEB_IMAGE } from '../kubernetes/images.ts';
import type { EquippedNode } from '../cluster/node-command.ts';

/** Where pods find their token and CA. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface KubectlPodInput {
  readonly name: string;
  /** URL of the API server, for the pod's requests. */
  readonly server: string;
  /** The pod's shell script; `kubectl` uses the pod's token and CA, both read each time. */
  readonly script: (kubectl: string) => string;
  /** Further fields of the spec. */
  readonly spec: object;
  /** File in the pod with the CA of the API server. Default: that of its service account. */
  readonly ca?: string;
  /** A further volume. */
  readonly volume?: { readonly mountPath: string; readonly source: object };
}

/** A pod with the node's own kubectl and busybox. */
export function kubectlPod({ binaries }: Pick<EquippedNode, 'binaries'>, input: KubectlPodInput): object {
  const { ca = `${ACCOUNT}/ca.crt`, volume } = input;
  const kubectl = `/kubectl --server=${input.server} --certificate-authority=${ca} --token="$(/bin/busybox cat ${ACCOUNT}/token)"`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: input.name },
    spec: {
      ...input.spec,
      containers: [
        {
          name: 'client',
          image: WEB_IMAGE,
          imagePullPolicy: 'Never',
          command: ['/bin/busybox', 'sh', '-c', input.script(kubectl)],
          env: [{ name: 'HOME', value: '/' }],
          volumeMounts: [
            { name: 'kubectl', mountPath: '/kubectl', readOnly: true },
            ...(volume === undefined ? [] : [{ name: 'further', mountPath: volume.mountPath, readOnly: true }]),
          ],
        },
      ],
      volumes: [
        { name: 'kubectl', hostPath: { path: joinPath(binaries, 'kubectl'), type: 'File' } },
        ...(volume === undefined ? [] : [{ name: 'further', ...volume.source }]),
      ],
    },
  };
}
