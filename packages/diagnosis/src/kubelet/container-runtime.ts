import { isRecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import type { KubeletConfiguration, KubeletVersion } from '@kube-rescue/node-config';
import type { Finding } from '../cause.ts';

/** Sockets of runtimes, as kubeadm knows them: Kubernetes, `cmd/kubeadm/app/constants/constants_unix.go`. */
const SOCKETS = ['/run/containerd/containerd.sock', '/run/crio/crio.sock', '/run/cri-dockerd.sock'].map(hostPath);
const CONTAINERD_CONFIG = hostPath('/etc/containerd/config.toml');
/** The field of the configuration file and its default: Kubernetes 1.27, `pkg/kubelet/apis/config/v1beta1/defaults.go`. */
const FIELD_SINCE = 27;
const DEFAULT_ENDPOINT = 'unix:///run/containerd/containerd.sock';
/** containerd's names of its CRI plugin, by version of its configuration. */
const CRI_PLUGIN = /["'](?:cri|io\.containerd\.grpc\.v1\.cri|io\.containerd\.cri\.v1\.runtime)["']/;

type RuntimeHost = Pick<Host, 'stat' | 'readFile'>;

/**
 * The container runtime cannot be used: its socket is missing, or containerd runs without its CRI plugin. A runtime whose socket is
 * there may still be down or too old: only the kubelet's log says so. Endpoints other than sockets of this machine are not judged.
 */
export async function findMissingRuntime(
  { component, commandLine }: Pick<KubeletConfiguration, 'component' | 'commandLine'>,
  version: KubeletVersion | undefined,
  { host }: { readonly host: RuntimeHost },
): Promise<readonly Finding[]> {
  // The dockershim of kubelets before 1.24 serves its own socket.
  if (commandLine.get('container-runtime') === 'docker') return [];
  const endpoint = endpointOf(component.flags, commandLine, version);
  const socket = socketOf(endpoint);
  if (endpoint === undefined || socket === undefined) return [];
  if ((await host.stat(socket)) === undefined) return [await missingSocket(endpoint, socket, host)];
  return socket.endsWith('/containerd.sock') ? findDisabledPlugin(host) : [];
}

function endpointOf(
  flags: ReadonlyMap<string, string>,
  commandLine: ReadonlyMap<string, string>,
  version: KubeletVersion | undefined,
): string | undefined {
  const flag = 'container-runtime-endpoint';
  if (version === undefined) return flags.get(flag);
  return version.minor < FIELD_SINCE ? commandLine.get(flag) : (flags.get(flag) ?? DEFAULT_ENDPOINT);
}

function socketOf(endpoint: string | undefined): HostPath | undefined {
  const path = endpoint?.replace(/^unix:(?:\/\/)?/, '');
  return path?.startsWith('/') ? hostPath(path) : undefined;
}

async function missingSocket(endpoint: string, socket: HostPath, host: RuntimeHost): Promise<Finding> {
  const present: HostPath[] = [];
  for (const path of SOCKETS) if ((await host.stat(path)) !== undefined) present.push(path);
  const [other] = present;
  const service = socket.includes('crio') ? 'crio' : socket.includes('docker') ? 'cri-docker' : 'containerd';
  return {
    code: 'CONTAINER_RUNTIME_MISSING',
    summary: `the kubelet does not start: ${socket}, the socket of its container runtime, is missing`,
    evidence: [`container runtime endpoint: ${endpoint}`, ...present.map((path) => `${path} exists`)],
    hint:
      other === undefined
        ? `start the runtime: \`systemctl start ${service}\`; see \`journalctl -u ${service}\` when it does not stay up`
        : `start the runtime of this socket, or let the kubelet use the one that runs: containerRuntimeEndpoint: unix://${other}`,
  };
}

async function findDisabledPlugin(host: RuntimeHost): Promise<readonly Finding[]> {
  const bytes = await host.readFile(CONTAINERD_CONFIG).catch((error: unknown) => {
    if (isRecoveryError(error)) return undefined;
    throw error;
  });
  const disabled = /^\s*disabled_plugins\s*=\s*\[[^\]]*\]/m.exec(new TextDecoder().decode(bytes))?.[0];
  if (disabled === undefined || !CRI_PLUGIN.test(disabled)) return [];
  return [
    {
      code: 'CONTAINER_RUNTIME_REFUSED',
      summary: 'the kubelet does not start: containerd runs without its CRI plugin',
      evidence: [`${CONTAINERD_CONFIG}: ${disabled.trim().replaceAll(/\s+/g, ' ')}`],
      hint: `remove cri from disabled_plugins in ${CONTAINERD_CONFIG} (the packages of Docker disable it), then \`systemctl restart containerd kubelet\``,
    },
  ];
}
