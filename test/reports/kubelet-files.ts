import { failingKubeletCopy } from './broken-node.ts';
import type { Report } from './reports.ts';

const HEADER = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';
const CONFIG = '/var/lib/kubelet/config.yaml';
const PLAIN = `${HEADER}staticPodPath: /etc/kubernetes/manifests\n`;
const DROP_INS = '/etc/kubernetes/kubelet.conf.d';
const RECOVER = 'read the plan with `kube-rescue plan`';

const copyWith =
  (version: string, files: Readonly<Record<string, string>>, flags = '') =>
  () =>
    failingKubeletCopy({ version, flags, files: { [CONFIG]: PLAIN, ...files } });

/** Reports of Kubernetes 1.25 and later: the files of the kubelet's configuration, and the serving certificate that it requests. */
export const KUBELET_FILES: readonly Report[] = [
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/124796',
    state: 'a kubelet of 1.30 with an empty drop-in',
    build: copyWith('1.30.0', { [`${DROP_INS}/20-kubelet.conf`]: '' }, `--config-dir=${DROP_INS}`),
    code: 'KUBELET_CONFIGURATION_INVALID',
    says: ['the file is empty', `${DROP_INS}/20-kubelet.conf`],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/kubernetes-sigs/kubespray/pull/11111',
    state: 'reserved processors without quotes in the configuration of a kubelet',
    build: copyWith('1.29.3', { [CONFIG]: `${PLAIN}kubeReserved:\n  cpu: 1\n  memory: 256Mi\n` }),
    code: 'KUBELET_CONFIGURATION_INVALID',
    says: ['kubeReserved is not a map of strings', CONFIG],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/devantler-tech/ksail/issues/4322',
    state: 'no controller approves the requests of kubelets for serving certificates',
    build: copyWith('1.35.0', {}, '--rotate-server-certificates=true'),
    code: 'PKI_CERTIFICATE_MISSING',
    says: ['kubelet-server-current.pem', 'tls: internal error', 'kubernetes.io/kubelet-serving'],
  },
  {
    address: 'https://github.com/berops/claudie/issues/1920',
    state: 'serverTLSBootstrap in the configuration, and only a client certificate on disk',
    build: copyWith('1.33.5', { [CONFIG]: `${PLAIN}serverTLSBootstrap: true\n` }),
    code: 'PKI_CERTIFICATE_MISSING',
    says: ['kubelet-server-current.pem', 'the kubelet presents no certificate', 'kubectl certificate approve'],
  },
];
