import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { NodeConfigError } from '../errors.ts';
import { readCommandLine } from '../components/command-line.ts';
import type { ComponentFlags } from '../components/component-flags.ts';
import { findNodeService } from '../components/node-service.ts';
import { isKubeletCommand } from './kubelet-process.ts';
import { decodeManifest, readManifestObject } from '../static-pods/manifest-source.ts';
import { readEnvironmentFile, splitWords } from '../components/systemd-unit.ts';

/** The configuration of a kubelet, limited to credentials and static pods. */
export interface KubeletConfiguration {
  /** `process`: the running kubelet's command line. `unit`: systemd's files. `kubeadm-defaults`: neither was found. */
  readonly origin: 'process' | 'unit' | 'kubeadm-defaults';
  /** One line for each source and each default. */
  readonly evidence: readonly string[];
  /** Of the evidence: processes with a kubelet's name that are not believed, with the reason. */
  readonly notBelieved: readonly string[];
  readonly running: { readonly pid: number; readonly startTicks: number } | undefined;
  /** Flags, merged with the fields of the configuration file; in the shape that other components have. */
  readonly component: ComponentFlags;
  readonly configFile: HostPath | undefined;
  /** The manifest directory; `undefined` when this kubelet runs no static pods. */
  readonly staticPodPath: HostPath | undefined;
  readonly kubeconfig: HostPath | undefined;
  readonly bootstrapKubeconfig: HostPath | undefined;
  readonly certDirectory: HostPath;
  readonly rotateCertificates: boolean;
  readonly tlsCertFile: HostPath | undefined;
  readonly tlsPrivateKeyFile: HostPath | undefined;
  readonly clientCaFile: HostPath | undefined;
  readonly hostnameOverride: string | undefined;
  readonly nodeIp: string | undefined;
}

type KubeletHost = Pick<Host, 'readFile' | 'list' | 'processes'>;

interface KubeletStart {
  readonly origin: KubeletConfiguration['origin'];
  readonly source: HostPath;
  readonly flags: ReadonlyMap<string, string>;
  readonly evidence: readonly string[];
  readonly running?: KubeletConfiguration['running'];
}

const KUBELET_UNIT = 'kubelet.service';

/** The drop-in `10-kubeadm.conf` of kubeadm's package. */
const KUBEADM_FLAGS: ReadonlyMap<string, string> = new Map([
  ['config', '/var/lib/kubelet/config.yaml'],
  ['kubeconfig', '/etc/kubernetes/kubelet.conf'],
  ['bootstrap-kubeconfig', '/etc/kubernetes/bootstrap-kubelet.conf'],
]);
const KUBEADM_ENVIRONMENT: readonly (readonly [file: HostPath, variable: string])[] = [
  [hostPath('/var/lib/kubelet/kubeadm-flags.env'), 'KUBELET_KUBEADM_ARGS'],
  [hostPath('/etc/default/kubelet'), 'KUBELET_EXTRA_ARGS'],
  [hostPath('/etc/sysconfig/kubelet'), 'KUBELET_EXTRA_ARGS'],
];

/** The kubelet's own default of `--cert-dir`. */
const DEFAULT_CERT_DIRECTORY = '/var/lib/kubelet/pki';

/**
 * Reads the configuration of this node's kubelet, running or not: from the process of its systemd unit, else the unit's
 * files, else another kubelet of root's, else kubeadm's defaults; `evidence` names the source, and what is not believed.
 *
 * Flags win over the configuration file, as in the kubelet. Does not find a stopped kubelet outside of systemd.
 * @throws NodeConfigError `KUBELET_CONFIGURATION_INVALID`; HostError when a file exists but cannot be read
 */
export async function readKubeletConfiguration({
  host,
}: {
  readonly host: KubeletHost;
}): Promise<KubeletConfiguration> {
  const found = await fromService(host);
  const start = found.start ?? (await fromKubeadm(host, found.evidence));
  const configFile = pathFrom(start.flags.get('config'));
  const file = configFile === undefined ? undefined : await readConfigFile(configFile, host);
  const merged = new Map([...(file ?? new Map<string, string>()), ...start.flags]);
  const evidence = [...start.evidence];
  if (configFile !== undefined) {
    evidence.push(file === undefined ? `${configFile} does not exist` : `read the configuration in ${configFile}`);
  }
  if (!merged.has('cert-dir')) evidence.push(`no --cert-dir: kubelet default ${DEFAULT_CERT_DIRECTORY}`);
  if (!merged.has('pod-manifest-path')) {
    if (file === undefined && start.origin === 'kubeadm-defaults') {
      merged.set('pod-manifest-path', '/etc/kubernetes/manifests');
      evidence.push('no configuration file: kubeadm default /etc/kubernetes/manifests for static pods');
    } else evidence.push('no static pod directory is configured');
  }
  const path = (flag: string) => pathFrom(merged.get(flag));
  return {
    origin: start.origin,
    evidence,
    notBelieved: found.ignored,
    running: start.running,
    component: { component: 'kubelet', source: start.source, flags: merged, unmapped: [] },
    configFile,
    staticPodPath: path('pod-manifest-path'),
    kubeconfig: path('kubeconfig'),
    bootstrapKubeconfig: path('bootstrap-kubeconfig'),
    certDirectory: path('cert-dir') ?? hostPath(DEFAULT_CERT_DIRECTORY),
    rotateCertificates: merged.get('rotate-certificates') === 'true',
    tlsCertFile: path('tls-cert-file'),
    tlsPrivateKeyFile: path('tls-private-key-file'),
    clientCaFile: path('client-ca-file'),
    hostnameOverride: merged.get('hostname-override')?.toLowerCase(),
    nodeIp: merged.get('node-ip'),
  };
}

async function fromService(host: KubeletHost): Promise<{
  readonly start?: KubeletStart;
  readonly evidence: readonly string[];
  readonly ignored: readonly string[];
}> {
  const { service, evidence, ignored } = await findNodeService(
    { unit: KUBELET_UNIT, name: 'kubelet', isProgram: isKubeletCommand },
    { host },
  );
  if (service === undefined) return { evidence, ignored };
  const { origin, source, argv, running } = service;
  return { start: { origin, source, flags: readCommandLine(argv).flags, evidence, running }, evidence, ignored };
}

async function fromKubeadm(host: KubeletHost, searched: readonly string[]): Promise<KubeletStart> {
  const evidence = [
    ...searched,
    'systemd has no unit for a kubelet',
    `kubeadm defaults: ${[...KUBEADM_FLAGS].map(([flag, value]) => `--${flag}=${value}`).join(' ')}`,
  ];
  const words: string[] = [];
  for (const [file, variable] of KUBEADM_ENVIRONMENT) {
    const bytes = await host.readFile(file);
    if (bytes === undefined) continue;
    words.push(...splitWords(readEnvironmentFile(new TextDecoder().decode(bytes)).get(variable) ?? ''));
    evidence.push(`read ${variable} in ${file}`);
  }
  const flags = new Map([...KUBEADM_FLAGS, ...readCommandLine(['kubelet', ...words]).flags]);
  return { origin: 'kubeadm-defaults', source: hostPath(flags.get('config') ?? '/var/lib/kubelet'), flags, evidence };
}

/** The fields of `KubeletConfiguration` (kubelet.config.k8s.io/v1beta1) that a flag can set too, by the flag's name. */
async function readConfigFile(
  path: HostPath,
  host: Pick<Host, 'readFile'>,
): Promise<ReadonlyMap<string, string> | undefined> {
  const bytes = await host.readFile(path);
  if (bytes === undefined) return undefined;
  const object = parseConfigFile(bytes, path);
  const at = (...keys: readonly string[]) =>
    keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], object);
  const fields: readonly (readonly [flag: string, value: unknown])[] = [
    ['pod-manifest-path', at('staticPodPath')],
    ['rotate-certificates', at('rotateCertificates')],
    ['rotate-server-certificates', at('serverTLSBootstrap')],
    ['tls-cert-file', at('tlsCertFile')],
    ['tls-private-key-file', at('tlsPrivateKeyFile')],
    ['client-ca-file', at('authentication', 'x509', 'clientCAFile')],
  ];
  const domain = at('clusterDomain');
  const texts = typeof domain === 'string' && domain !== '' ? [['cluster-domain', domain] as const] : [];
  return new Map<string, string>([
    ...texts,
    ...fields.flatMap(([flag, value]): readonly (readonly [string, string])[] => {
      if (value === undefined || value === null || value === '') return [];
      // Relative paths are relative to the file.
      if (typeof value === 'string') return [[flag, value.startsWith('/') ? value : joinPath(path, '..', value)]];
      return typeof value === 'boolean' ? [[flag, String(value)]] : [];
    }),
  ]);
}

function parseConfigFile(bytes: Uint8Array, path: HostPath): Readonly<Record<string, unknown>> {
  const invalid = (message: string, cause?: unknown) =>
    new NodeConfigError({
      code: 'KUBELET_CONFIGURATION_INVALID',
      message,
      subject: path,
      hint: 'correct the file or restore it from a backup; the kubelet does not start with it',
      cause,
    });
  try {
    const object = readManifestObject(decodeManifest(bytes, path), path);
    if (object.kind === 'KubeletConfiguration') return object;
  } catch (error) {
    if (!(error instanceof NodeConfigError)) throw error;
    throw invalid(error.message.replace('manifest', 'configuration of the kubelet'), error);
  }
  throw invalid('the file is not a KubeletConfiguration');
}

function pathFrom(value: string | undefined): HostPath | undefined {
  return value?.startsWith('/') ? hostPath(value) : undefined;
}
