import { joinPath } from '@kube-rescue/host';
import { WEB_IMAGE } from '../kubernetes/images.ts';
import type { EquippedNode } from '../cluster/node-command.ts';

/** Where pods are handed their token and the CA. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface KubectlPodInput {
  readonly name: string;
  /** URL under which the pod asks the API server. */
  readonly server: string;
  /** What its shell runs; `kubectl` asks with the token and the CA of the pod, both read anew each time. */
  readonly script: (kubectl: string) => string;
  /** What else its spec says. */
  readonly spec: object;
}

/** A pod with the node's own kubectl and busybox. */
export function kubectlPod({ binaries }: Pick<EquippedNode, 'binaries'>, input: KubectlPodInput): object {
  const kubectl = `/kubectl --server=${input.server} --certificate-authority=${ACCOUNT}/ca.crt --token="$(/bin/busybox cat ${ACCOUNT}/token)"`;
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
          volumeMounts: [{ name: 'kubectl', mountPath: '/kubectl', readOnly: true }],
        },
      ],
      volumes: [{ name: 'kubectl', hostPath: { path: joinPath(binaries, 'kubectl'), type: 'File' } }],
    },
  };
}
