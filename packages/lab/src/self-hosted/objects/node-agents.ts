import { SELF_HOSTED_RELEASE } from '../../kubernetes/kubernetes-release.ts';
import { PROGRAMS_IMAGE, programCommand } from '../../programs/images.ts';
import { KUBECONFIG, NETWORK_DIRECTORIES, POD_NETWORK } from '../layout.ts';
import { renderServiceAccountKubeconfig } from '../kubeconfig.ts';
import {
  CHECKPOINTED,
  clusterRole,
  configMap,
  daemonSet,
  fieldVariable,
  hostVolume,
  type KubernetesDocument,
  ON_EVERY_NODE,
  serviceAccount,
} from './object.ts';

const PROXY = 'kube-proxy';
const NETWORK = 'kube-flannel';
const CHECKPOINTER = 'pod-checkpointer';

/** The checkpointer reads pods, and copies Secrets and ConfigMaps. */
const CHECKPOINTER_RULES = [
  { apiGroups: [''], resources: ['pods', 'nodes', 'nodes/proxy'], verbs: ['get', 'watch', 'list'] },
  { apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['get'] },
];
const NETWORK_RULES = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
];

const PROXY_IMAGE = `k8s.gcr.io/kube-proxy:${SELF_HOSTED_RELEASE.version}`;

/** The node agents: kube-proxy, flannel and the pod checkpointer. */
export function agentObjects(): readonly KubernetesDocument[] {
  return [...proxyObjects(), ...networkObjects(), ...checkpointerObjects()];
}

function proxyObjects(): readonly KubernetesDocument[] {
  const pod = {
    ...ON_EVERY_NODE,
    hostNetwork: true,
    priorityClassName: 'system-node-critical',
    serviceAccountName: PROXY,
    containers: [
      {
        name: PROXY,
        image: PROXY_IMAGE,
        imagePullPolicy: 'Never',
        command: [
          '/usr/local/bin/kube-proxy',
          `--kubeconfig=${KUBECONFIG}`,
          '--proxy-mode=iptables',
          `--cluster-cidr=${POD_NETWORK}`,
          '--hostname-override=$(NODE_NAME)',
          // A lab must not resize the machine's conntrack table.
          '--conntrack-max-per-core=0',
        ],
        env: [fieldVariable('NODE_NAME', 'spec.nodeName')],
        securityContext: { privileged: true },
        volumeMounts: [
          { name: 'etc-kubernetes', mountPath: '/etc/kubernetes', readOnly: true },
          { name: 'run', mountPath: '/run' },
        ],
      },
    ],
    volumes: [hostVolume('etc-kubernetes', '/etc/kubernetes'), hostVolume('run', '/run')],
  };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: PROXY, namespace: 'kube-system' } },
    daemonSet({ name: PROXY, labels: { tier: 'node', 'k8s-app': PROXY }, spec: pod }),
  ];
}

const CNI_CONFIG = {
  name: 'cbr0',
  cniVersion: '0.3.1',
  plugins: [
    { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

function networkObjects(): readonly KubernetesDocument[] {
  const pod = {
    ...ON_EVERY_NODE,
    hostNetwork: true,
    priorityClassName: 'system-node-critical',
    serviceAccountName: NETWORK,
    containers: [
      {
        name: NETWORK,
        image: PROGRAMS_IMAGE,
        imagePullPolicy: 'Never',
        command: programCommand('flannel', '--ip-masq', '--kube-subnet-mgr'),
        env: [
          fieldVariable('POD_NAME', 'metadata.name'),
          fieldVariable('POD_NAMESPACE', 'metadata.namespace'),
          fieldVariable('NODE_NAME', 'spec.nodeName'),
        ],
        securityContext: { privileged: true },
        volumeMounts: [
          { name: 'run', mountPath: '/run' },
          { name: 'cni', mountPath: '/etc/cni/net.d' },
          { name: 'flannel-cfg', mountPath: '/etc/kube-flannel/' },
        ],
      },
    ],
    volumes: [
      hostVolume('run', '/run'),
      hostVolume('cni', NETWORK_DIRECTORIES.configuration),
      { name: 'flannel-cfg', configMap: { name: 'kube-flannel-cfg' } },
    ],
  };
  return [
    clusterRole('flannel', NETWORK_RULES),
    ...serviceAccount(NETWORK, ['flannel']),
    configMap('kube-flannel-cfg', {
      'cni-conf.json': `${JSON.stringify(CNI_CONFIG, undefined, 2)}\n`,
      'net-conf.json': `${JSON.stringify({ Network: POD_NETWORK, Backend: { Type: 'vxlan', Port: 4789 } }, undefined, 2)}\n`,
    }),
    daemonSet({ name: NETWORK, labels: { tier: 'node', 'k8s-app': 'flannel' }, spec: pod }),
  ];
}

function checkpointerObjects(): readonly KubernetesDocument[] {
  const pod = {
    ...CHECKPOINTED,
    hostNetwork: true,
    serviceAccountName: CHECKPOINTER,
    containers: [
      {
        name: CHECKPOINTER,
        image: PROGRAMS_IMAGE,
        imagePullPolicy: 'Never',
        command: programCommand(
          'podCheckpointer',
          '-v=4',
          '--lock-file=/var/run/lock/pod-checkpointer.lock',
          '--kubeconfig=/etc/checkpointer/kubeconfig',
          '--checkpoint-grace-period=1m',
          '--container-runtime-endpoint=unix:///var/run/containerd/containerd.sock',
        ),
        env: [
          fieldVariable('NODE_NAME', 'spec.nodeName'),
          fieldVariable('POD_NAME', 'metadata.name'),
          fieldVariable('POD_NAMESPACE', 'metadata.namespace'),
        ],
        volumeMounts: [
          { name: 'kubeconfig', mountPath: '/etc/checkpointer' },
          { name: 'etc-kubernetes', mountPath: '/etc/kubernetes' },
          { name: 'var-run', mountPath: '/var/run' },
        ],
      },
    ],
    volumes: [
      { name: 'kubeconfig', configMap: { name: 'kubeconfig-in-cluster' } },
      hostVolume('etc-kubernetes', '/etc/kubernetes'),
      hostVolume('var-run', '/var/run'),
    ],
  };
  return [
    clusterRole(CHECKPOINTER, CHECKPOINTER_RULES),
    ...serviceAccount(CHECKPOINTER, [CHECKPOINTER]),
    configMap('kubeconfig-in-cluster', { kubeconfig: renderServiceAccountKubeconfig() }),
    daemonSet({
      name: CHECKPOINTER,
      labels: { tier: 'control-plane', 'k8s-app': CHECKPOINTER },
      annotations: { 'checkpointer.alpha.coreos.com/checkpoint': 'true' },
      spec: pod,
    }),
  ];
}
