import type { HostPath } from '@kube-rescue/host';
import type { NodeIdentity } from '../pki/kubeadm-certificates.ts';
import { type Component, type Mount, staticPodManifest } from './static-pod-manifest.ts';

export interface StaticPodInput extends NodeIdentity {
  readonly certificatesDir: HostPath;
}

const REGISTRY = 'k8s.gcr.io';
const VERSION = 'v1.20.15';

/** The four static pods of a stacked control plane, byte for byte as kubeadm v1.20.15 writes them, by file name. */
export function staticPodManifests(input: StaticPodInput): Readonly<Record<string, string>> {
  const components = [etcd(input), apiServer(input), controllerManager(input), scheduler()];
  return Object.fromEntries(components.map((each) => [`${each.name}.yaml`, staticPodManifest(each)]));
}

function etcd({ nodeName, address, certificatesDir }: StaticPodInput): Component {
  const pki = `${certificatesDir}/etcd`;
  const data: Mount = { name: 'etcd-data', path: '/var/lib/etcd', type: 'DirectoryOrCreate', readOnly: false };
  const certificates: Mount = { name: 'etcd-certs', path: pki, type: 'DirectoryOrCreate', readOnly: false };
  return {
    name: 'etcd',
    image: `${REGISTRY}/etcd:3.4.13-0`,
    annotation: `kubeadm.kubernetes.io/etcd.advertise-client-urls: https://${address}:2379`,
    flags: [
      `--advertise-client-urls=https://${address}:2379`,
      `--cert-file=${pki}/server.crt`,
      '--client-cert-auth=true',
      '--data-dir=/var/lib/etcd',
      `--initial-advertise-peer-urls=https://${address}:2380`,
      `--initial-cluster=${nodeName}=https://${address}:2380`,
      `--key-file=${pki}/server.key`,
      `--listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`,
      '--listen-metrics-urls=http://127.0.0.1:2381',
      `--listen-peer-urls=https://${address}:2380`,
      `--name=${nodeName}`,
      `--peer-cert-file=${pki}/peer.crt`,
      '--peer-client-cert-auth=true',
      `--peer-key-file=${pki}/peer.key`,
      `--peer-trusted-ca-file=${pki}/ca.crt`,
      '--snapshot-count=10000',
      `--trusted-ca-file=${pki}/ca.crt`,
    ],
    livenessProbe: probe(8, '127.0.0.1', '/health', 2381, 'HTTP'),
    startupProbe: probe(24, '127.0.0.1', '/health', 2381, 'HTTP'),
    requests: ['cpu: 100m', 'ephemeral-storage: 100Mi', 'memory: 100Mi'],
    volumes: [certificates, data],
    mounts: [data, certificates],
  };
}

function apiServer({ address, certificatesDir: pki }: StaticPodInput): Component {
  return {
    name: 'kube-apiserver',
    image: `${REGISTRY}/kube-apiserver:${VERSION}`,
    annotation: `kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: ${address}:6443`,
    flags: [
      `--advertise-address=${address}`,
      '--allow-privileged=true',
      '--authorization-mode=Node,RBAC',
      `--client-ca-file=${pki}/ca.crt`,
      '--enable-admission-plugins=NodeRestriction',
      '--enable-bootstrap-token-auth=true',
      `--etcd-cafile=${pki}/etcd/ca.crt`,
      `--etcd-certfile=${pki}/apiserver-etcd-client.crt`,
      `--etcd-keyfile=${pki}/apiserver-etcd-client.key`,
      '--etcd-servers=https://127.0.0.1:2379',
      '--insecure-port=0',
      `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.crt`,
      `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`,
      '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
      `--proxy-client-cert-file=${pki}/front-proxy-client.crt`,
      `--proxy-client-key-file=${pki}/front-proxy-client.key`,
      '--requestheader-allowed-names=front-proxy-client',
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      '--secure-port=6443',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${pki}/sa.pub`,
      `--service-account-signing-key-file=${pki}/sa.key`,
      '--service-cluster-ip-range=10.96.0.0/12',
      `--tls-cert-file=${pki}/apiserver.crt`,
      `--tls-private-key-file=${pki}/apiserver.key`,
    ],
    livenessProbe: probe(8, address, '/livez', 6443, 'HTTPS'),
    readinessProbe: probe(3, address, '/readyz', 6443, 'HTTPS', ['periodSeconds: 1']),
    startupProbe: probe(24, address, '/livez', 6443, 'HTTPS'),
    requests: ['cpu: 250m'],
    volumes: [SYSTEM_CAS, certificatesVolume(pki)],
  };
}

function controllerManager({ certificatesDir: pki }: StaticPodInput): Component {
  const flexVolumes: Mount = {
    name: 'flexvolume-dir',
    path: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec',
    type: 'DirectoryOrCreate',
    readOnly: false,
  };
  return {
    name: 'kube-controller-manager',
    image: `${REGISTRY}/kube-controller-manager:${VERSION}`,
    flags: [
      '--allocate-node-cidrs=true',
      '--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--bind-address=127.0.0.1',
      `--client-ca-file=${pki}/ca.crt`,
      '--cluster-cidr=10.244.0.0/16',
      '--cluster-name=kubernetes',
      `--cluster-signing-cert-file=${pki}/ca.crt`,
      `--cluster-signing-key-file=${pki}/ca.key`,
      '--controllers=*,bootstrapsigner,tokencleaner',
      '--kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--leader-elect=true',
      '--port=0',
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
      `--root-ca-file=${pki}/ca.crt`,
      `--service-account-private-key-file=${pki}/sa.key`,
      '--service-cluster-ip-range=10.96.0.0/12',
      '--use-service-account-credentials=true',
    ],
    livenessProbe: probe(8, '127.0.0.1', '/healthz', 10257, 'HTTPS'),
    startupProbe: probe(24, '127.0.0.1', '/healthz', 10257, 'HTTPS'),
    requests: ['cpu: 200m'],
    volumes: [SYSTEM_CAS, flexVolumes, certificatesVolume(pki), kubeconfigVolume('controller-manager')],
  };
}

function scheduler(): Component {
  return {
    name: 'kube-scheduler',
    image: `${REGISTRY}/kube-scheduler:${VERSION}`,
    flags: [
      '--authentication-kubeconfig=/etc/kubernetes/scheduler.conf',
      '--authorization-kubeconfig=/etc/kubernetes/scheduler.conf',
      '--bind-address=127.0.0.1',
      '--kubeconfig=/etc/kubernetes/scheduler.conf',
      '--leader-elect=true',
      '--port=0',
    ],
    livenessProbe: probe(8, '127.0.0.1', '/healthz', 10259, 'HTTPS'),
    startupProbe: probe(24, '127.0.0.1', '/healthz', 10259, 'HTTPS'),
    requests: ['cpu: 100m'],
    volumes: [kubeconfigVolume('scheduler')],
  };
}

const SYSTEM_CAS: Mount = { name: 'ca-certs', path: '/etc/ssl/certs', type: 'DirectoryOrCreate', readOnly: true };

function certificatesVolume(path: string): Mount {
  return { name: 'k8s-certs', path, type: 'DirectoryOrCreate', readOnly: true };
}

function kubeconfigVolume(component: string): Mount {
  return { name: 'kubeconfig', path: `/etc/kubernetes/${component}.conf`, type: 'FileOrCreate', readOnly: true };
}

function probe(
  failureThreshold: number,
  host: string,
  path: string,
  port: number,
  scheme: 'HTTP' | 'HTTPS',
  timing: readonly string[] = ['initialDelaySeconds: 10', 'periodSeconds: 10'],
): readonly string[] {
  const target = [`  host: ${host}`, `  path: ${path}`, `  port: ${port}`, `  scheme: ${scheme}`];
  return [`failureThreshold: ${failureThreshold}`, 'httpGet:', ...target, ...timing, 'timeoutSeconds: 15'];
}
