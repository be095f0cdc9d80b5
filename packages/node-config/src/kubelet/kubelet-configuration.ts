import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import type { NodeConfigError } from '../errors.ts';
import { readCommandLine } from '../components/command-line.ts';
import type { ComponentFlags } from '../components/component-flags.ts';
import { findNodeService } from '../components/node-service.ts';
import { isKubeletCommand } from './kubelet-process.ts';
import { readEnvironmentFile, splitWords } from '../components/systemd-unit.ts';
import { flagsOfFields } from './configuration-fields.ts';
import { pathIn, readEffectiveConfiguration } from './effective-configuration.ts';
import { readInstanceEndpoint } from './instance-configuration.ts';

/** The configuration of a kubelet, limited to credentials, static pods and the container runtime. */
export interface KubeletConfiguration {
  /** `process`: the running kubelet's command line. `unit`: systemd's files. `kubeadm-defaults`: neither was found. */
  readonly origin: 'process' | 'unit' | 'kubeadm-defaults';
  /** One line for each source and each default. */
  readonly evidence: readonly string[];
  /** Of the evidence: processes with a kubelet's name that are not believed, with the reason. */
  readonly notBelieved: readonly string[];
  readonly running: { readonly pid: number; readonly startTicks: number } | undefined;
  /** Flags, merged with the fields of the configuration files; in the shape that other components have. */
  readonly component: ComponentFlags;
  /** The flags alone; with `kubeadm-defaults`, those that kubeadm's package would give. */
  readonly commandLine: ReadonlyMap<string, string>;
  /** The program as the command line names it; `undefined` with `kubeadm-defaults`. */
  readonly program: string | undefined;
  readonly configFile: HostPath | undefined;
  /** The files of `--config-dir`, in the order in which they are merged. */
  readonly dropIns: readonly HostPath[];
  /** Why the kubelet does not start: `KUBELET_CONFIGURATION_INVALID`. With a problem the other fields are incomplete. */
  readonly problems: readonly NodeConfigError[];
  /** The manifest directory; `undefined` when this kubelet runs no static pods. */
  readonly staticPodPath: HostPath | undefined;
  readonly kubeconfig: HostPath | undefined;
  readonly bootstrapKubeconfig: HostPath | undefined;
  readonly certDirectory: HostPath;
  readonly rotateCertificates: boolean;
  /** The kubelet requests its serving certificate from the cluster (`serverTLSBootstrap`). */
  readonly requestsServingCertificate: boolean;
  readonly tlsCertFile: HostPath | undefined;
  readonly tlsPrivateKeyFile: HostPath | undefined;
  readonly clientCaFile: HostPath | undefined;
  readonly hostnameOverride: string | undefined;
  readonly nodeIp: string | undefined;
}

type KubeletHost = Pick<Host, 'readFile' | 'stat' | 'list' | 'processes'>;

interface KubeletStart {
  readonly origin: KubeletConfiguration['origin'];
  readonly source: HostPath;
  readonly flags: ReadonlyMap<string, string>;
  readonly program?: string | undefined;
  readonly evidence: readonly string[];
  readonly running?: KubeletConfiguration['running'];
}

const KUBELET_UNIT = 'kubelet.service';

const KUBERNETES_DIRECTORY = hostPath('/etc/kubernetes');

/** The drop-in `10-kubeadm.conf` of kubeadm's package. */
function kubeadmFlags(directory: HostPath): ReadonlyMap<string, string> {
  return new Map([
    ['config', '/var/lib/kubelet/config.yaml'],
    ['kubeconfig', joinPath(directory, 'kubelet.conf')],
    ['bootstrap-kubeconfig', joinPath(directory, 'bootstrap-kubelet.conf')],
  ]);
}

const KUBEADM_ENVIRONMENT: readonly (readonly [file: HostPath, variable: string])[] = [
  [hostPath('/var/lib/kubelet/kubeadm-flags.env'), 'KUBELET_KUBEADM_ARGS'],
  [hostPath('/etc/default/kubelet'), 'KUBELET_EXTRA_ARGS'],
  [hostPath('/etc/sysconfig/kubelet'), 'KUBELET_EXTRA_ARGS'],
];

const RUNTIME_ENDPOINT = 'container-runtime-endpoint';

/** The kubelet's own default of `--cert-dir`. */
const DEFAULT_CERT_DIRECTORY = '/var/lib/kubelet/pki';

/**
 * Reads the configuration of this node's kubelet, running or not: from the process of its systemd unit, else the unit's
 * files, else another kubelet of root's, else kubeadm's defaults; `evidence` names the source, and what is not believed.
 *
 * Flags win over the drop-ins of `--config-dir`, these over the file of `--config`, as in the kubelet; see
 * `readEffectiveConfiguration`. A file that the kubelet refuses is in `problems`: nothing may be written by such a configuration. Does
 * not find a stopped kubelet outside of systemd.
 * @param kubernetesDirectory of kubeadm's defaults. Default: `/etc/kubernetes`
 * @throws NodeConfigError `CONFIGURATION_INVALID` for kubeadm's instance-config.yaml; HostError when a file exists but cannot be read
 */
export async function readKubeletConfiguration({
  host,
  kubernetesDirectory = KUBERNETES_DIRECTORY,
}: {
  readonly host: KubeletHost;
  readonly kubernetesDirectory?: HostPath | undefined;
}): Promise<KubeletConfiguration> {
  const found = await fromService(host);
  const start = found.start ?? (await fromKubeadm(kubernetesDirectory, host, found.evidence));
  const { configFile, dropIns, object, problems, ...files } = await readEffectiveConfiguration(start.flags, host);
  const merged = new Map([...flagsOfFields(object), ...start.flags]);
  const evidence = [...start.evidence, ...files.evidence];
  if ((merged.get(RUNTIME_ENDPOINT) ?? '') === '') {
    const instance = await readInstanceEndpoint(host);
    if (instance !== undefined) {
      merged.set(RUNTIME_ENDPOINT, instance.endpoint);
      evidence.push(
        `no container runtime is configured: ${instance.endpoint} from ${instance.path}, which kubeadm keeps`,
      );
    }
  }
  if (!merged.has('cert-dir')) evidence.push(`no --cert-dir: kubelet default ${DEFAULT_CERT_DIRECTORY}`);
  if (!merged.has('pod-manifest-path')) {
    if (!files.hasMain && problems.length === 0 && start.origin === 'kubeadm-defaults') {
      const manifests = joinPath(kubernetesDirectory, 'manifests');
      merged.set('pod-manifest-path', manifests);
      evidence.push(`no configuration file: kubeadm default ${manifests} for static pods`);
    } else evidence.push('no static pod directory is configured');
  }
  const path = (flag: string) => pathIn(merged, flag);
  return {
    origin: start.origin,
    evidence,
    notBelieved: found.ignored,
    running: start.running,
    component: { component: 'kubelet', source: start.source, flags: merged, unmapped: [] },
    commandLine: start.flags,
    program: start.program,
    configFile,
    dropIns,
    problems,
    staticPodPath: path('pod-manifest-path'),
    kubeconfig: path('kubeconfig'),
    bootstrapKubeconfig: path('bootstrap-kubeconfig'),
    certDirectory: path('cert-dir') ?? hostPath(DEFAULT_CERT_DIRECTORY),
    rotateCertificates: isTrue(merged.get('rotate-certificates')),
    requestsServingCertificate: isTrue(merged.get('rotate-server-certificates')),
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
  const { flags } = readCommandLine(argv);
  return { start: { origin, source, flags, program: argv[0], evidence, running }, evidence, ignored };
}

async function fromKubeadm(directory: HostPath, host: KubeletHost, searched: readonly string[]): Promise<KubeletStart> {
  const defaults = kubeadmFlags(directory);
  const evidence = [
    ...searched,
    'systemd has no unit for a kubelet',
    `kubeadm defaults: ${[...defaults].map(([flag, value]) => `--${flag}=${value}`).join(' ')}`,
  ];
  const words: string[] = [];
  for (const [file, variable] of KUBEADM_ENVIRONMENT) {
    const bytes = await host.readFile(file);
    if (bytes === undefined) continue;
    words.push(...splitWords(readEnvironmentFile(new TextDecoder().decode(bytes)).get(variable) ?? ''));
    evidence.push(`read ${variable} in ${file}`);
  }
  const flags = new Map([...defaults, ...readCommandLine(['kubelet', ...words]).flags]);
  return { origin: 'kubeadm-defaults', source: hostPath(flags.get('config') ?? '/var/lib/kubelet'), flags, evidence };
}

/** Go's strconv.ParseBool. */
function isTrue(value: string | undefined): boolean {
  return /^(?:1|t|T|true|TRUE|True)$/.test(value ?? '');
}
