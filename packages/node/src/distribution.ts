import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { NodeError } from './errors.ts';

/** A distribution of Kubernetes that keeps its certificates in its own way. */
interface Distribution {
  readonly name: string;
  /** One of these exists on each of its nodes, and on no kubeadm node. */
  readonly signs: readonly HostPath[];
  /** `ID` in /etc/os-release (os-release(5)), where the distribution is a whole system. */
  readonly osRelease?: string;
  /** Where its certificates are. */
  readonly certificates: string;
  /** How it renews them itself. */
  readonly renewal: string;
}

const OS_RELEASE = hostPath('/etc/os-release');
const paths = (...names: readonly string[]): readonly HostPath[] => names.map(hostPath);

/** Sources: the documentation of each distribution on certificates. */
const DISTRIBUTIONS: readonly Distribution[] = [
  {
    name: 'RKE2',
    signs: paths('/var/lib/rancher/rke2', '/etc/rancher/rke2'),
    certificates: '/var/lib/rancher/rke2/server/tls',
    renewal:
      'it renews expired certificates when it starts: `systemctl restart rke2-server`; for new keys: stop rke2-server, `rke2 certificate rotate`, start it',
  },
  {
    name: 'k3s',
    signs: paths('/var/lib/rancher/k3s', '/etc/rancher/k3s'),
    certificates: '/var/lib/rancher/k3s/server/tls',
    renewal:
      'it renews expired certificates when it starts: `systemctl restart k3s`; for new keys: stop k3s, `k3s certificate rotate`, start it',
  },
  {
    name: 'RKE1',
    signs: paths('/opt/rke', '/etc/kubernetes/ssl/kube-ca.pem', '/etc/kubernetes/.tmp/cluster-state.yml'),
    certificates: '/etc/kubernetes/ssl',
    renewal:
      'where its cluster.yml and cluster.rkestate are: `rke cert rotate`; for a new CA: `rke cert rotate --rotate-ca`',
  },
  {
    name: 'MicroK8s',
    signs: paths('/var/snap/microk8s'),
    certificates: '/var/snap/microk8s/current/certs',
    renewal:
      '`microk8s refresh-certs --cert server.crt` and `--cert front-proxy-client.crt`; for a new CA: `--cert ca.crt`, then join the other nodes again',
  },
  {
    name: 'k0s',
    signs: paths('/var/lib/k0s', '/etc/k0s'),
    certificates: '/var/lib/k0s/pki',
    renewal:
      'it renews leaf certificates when it starts: `systemctl restart k0scontroller`; its CA is replaced by hand, as its documentation says',
  },
  {
    name: 'Talos',
    signs: paths('/system/state/config.yaml', '/usr/local/etc/talos'),
    osRelease: 'talos',
    certificates: 'its machine configuration and /system/secrets',
    renewal:
      'it renews certificates itself while it runs; for a new CA: `talosctl rotate-ca`; a lost etcd: `talosctl bootstrap --recover-from SNAPSHOT`',
  },
  {
    name: 'OpenShift',
    signs: paths('/etc/kubernetes/static-pod-resources', '/etc/machine-config-daemon'),
    osRelease: 'rhcos',
    certificates: '/etc/kubernetes/static-pod-resources and Secrets of its operators',
    renewal:
      'its operators renew them once the kubelets run: list the requests with `oc get csr`, check each, and approve them with `oc adm certificate approve NAME`',
  },
  {
    name: 'kOps',
    signs: paths('/opt/kops', '/etc/kubernetes/kops-controller', '/srv/kubernetes/kube-apiserver'),
    certificates: '/srv/kubernetes and its state store',
    renewal:
      'its nodes get new certificates when they are replaced: `kops update cluster --yes`, then `kops rolling-update cluster --yes --cloudonly --force`',
  },
];

/** Units of control planes whose components are services of the machine. */
const COMPONENT_UNITS = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'].map((directory) =>
  hostPath(`${directory}/kube-apiserver.service`),
);

/**
 * Why this machine is not a node of kubeadm: it belongs to a distribution with its own way of renewing certificates, which the
 * error names, or its control plane runs as services. `undefined` when nothing says so.
 *
 * Does not recognise a distribution that has removed its own directories. minikube has kubeadm's layout, and is taken for it.
 */
export async function findOtherDistribution({
  host,
}: {
  readonly host: Pick<Host, 'stat' | 'readFile'>;
}): Promise<NodeError | undefined> {
  const system = await readSystemId(host);
  for (const { name, signs, osRelease, certificates, renewal } of DISTRIBUTIONS) {
    const sign = await findFirst(signs, host);
    if (sign === undefined && (system === undefined || system !== osRelease)) continue;
    return new NodeError({
      code: 'LAYOUT_UNSUPPORTED',
      message: `this is a node of ${name}: not supported; its certificates are in ${certificates}`,
      subject: sign ?? OS_RELEASE,
      hint: renewal,
    });
  }
  const unit = await findFirst(COMPONENT_UNITS, host);
  return unit === undefined ? undefined : runsAsServices(unit);
}

function runsAsServices(unit: HostPath): NodeError {
  return new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message:
      'the control plane runs as services of this machine (kube-apiserver.service), not as static pods: not supported',
    subject: unit,
    hint: `the flags in ${unit} name its certificates: inspect each with \`kube-rescue certs inspect FILE\`; renew them with the tool that made them (cfssl, openssl), then \`systemctl restart etcd kube-apiserver kube-controller-manager kube-scheduler\``,
  });
}

async function findFirst(candidates: readonly HostPath[], host: Pick<Host, 'stat'>): Promise<HostPath | undefined> {
  for (const path of candidates) if ((await host.stat(path)) !== undefined) return path;
  return undefined;
}

async function readSystemId(host: Pick<Host, 'readFile'>): Promise<string | undefined> {
  const bytes = (await host.readFile(OS_RELEASE)) ?? new Uint8Array();
  return /^ID="?([\w.-]+)"?$/m.exec(new TextDecoder().decode(bytes))?.[1];
}
