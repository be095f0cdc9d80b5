import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { baseName, type HostPath, hostPath } from '@kube-rescue/host';
import { CniError } from '../errors.ts';
import {
  configMapIn,
  hostPathIn,
  type PodTemplate,
  readPodTemplate,
  type TemplateContainer,
} from '../plugin/pod-template.ts';
import type { Sourced } from '../sourced.ts';
import { type FlannelFlags, readFlannelFlags } from './flannel-flags.ts';

/** How the DaemonSet of a cluster runs flannel. */
export interface FlannelDaemon {
  /** `DaemonSet NAMESPACE/NAME`. */
  readonly subject: string;
  readonly flags: FlannelFlags;
  readonly configMap: { readonly namespace: string; readonly name: string };
  readonly netConfKey: string;
  readonly cniConfKey: string;
  /** On the host. */
  readonly subnetFile: Sourced<HostPath>;
  /** The target of the copied CNI configuration; `undefined` when the DaemonSet does not copy it. */
  readonly configurationFile: Sourced<HostPath> | undefined;
  /** Directories of the host in its pod, which may install the plugin binaries. */
  readonly mountedDirectories: readonly HostPath[];
}

const CNI_CONF = 'cni-conf.json';

/**
 * Reads the DaemonSet of flannel.
 * @throws CniError `CNI_DAEMON_INVALID`
 */
export function readFlannelDaemon(daemonSet: KubernetesObject): FlannelDaemon {
  const { name, namespace = '' } = daemonSet.metadata;
  const subject = `DaemonSet ${namespace}/${name}`;
  const template = readPodTemplate(daemonSet);
  const main = findFlanneld(template);
  if (main === undefined) throw invalid('no container runs flanneld', subject);
  const flags = readFlannelFlags(main, subject);
  const source = configMapIn(template, main, flags.netConfPath);
  // Without the kube subnet manager the network configuration is in etcd.
  if (source === undefined && flags.kubeSubnetManager) {
    throw invalid(`${flags.netConfPath} is not mounted from a ConfigMap`, subject);
  }
  const subnetFile = hostPathIn(template, main, flags.subnetFile.value);
  if (subnetFile === undefined) throw invalid(`${flags.subnetFile.value} is not on the host`, subject);
  return {
    subject,
    flags,
    configMap: { namespace, name: source?.name ?? '' },
    netConfKey: source?.key ?? baseName(hostPath('/net-conf.json')),
    cniConfKey: findCniConfKey(template) ?? CNI_CONF,
    subnetFile: { value: subnetFile, source: flags.subnetFile.source },
    configurationFile: findConfigurationFile(template, subject),
    mountedDirectories: directoriesOf(template),
  };
}

function findFlanneld({ containers }: PodTemplate): TemplateContainer | undefined {
  return (
    containers.find(({ words }) => words.some((word) => /(^|[/\s])flanneld(\s|$)/.test(word))) ??
    containers.find(({ words }) => words.some((word) => /--kube-subnet-mgr/.test(word))) ??
    containers.find(({ name }) => name === 'kube-flannel')
  );
}

/** A name from an environment variable must not lead out of its directory. */
const FILE_NAME = /^(?!\.{1,2}$)[\w.-]+$/;

/**
 * The file that a container copies `cni-conf.json` to (`cp -f /etc/kube-flannel/cni-conf.json TARGET`, in upstream's
 * manifests, with or without a shell), or that the image flannel-cni writes: `10-flannel.conf` up to v0.2, then
 * `10-flannel.conflist`, or the value of `CNI_CONF_NAME`.
 */
function findConfigurationFile(template: PodTemplate, subject: string): Sourced<HostPath> | undefined {
  for (const container of template.containers) {
    const target = /\S*cni-conf\.json["']?\s+["']?([^\s"';&|]+)/.exec(container.words.join(' '))?.[1];
    const copied = target === undefined ? undefined : hostPathIn(template, container, target);
    if (copied !== undefined) return { value: copied, source: `copied by container ${container.name} of ${subject}` };
    const version = /flannel-cni(?:-[\w.]+)?:v?(\d+)\.(\d+)/.exec(container.image);
    if (version === null) continue;
    const isOld = Number(version[1]) === 0 && Number(version[2]) < 3;
    const name = container.environment.get('CNI_CONF_NAME') ?? (isOld ? '10-flannel.conf' : '10-flannel.conflist');
    const directory = hostPathIn(template, container, '/host/etc/cni/net.d');
    if (directory === undefined || !FILE_NAME.test(name)) continue;
    return { value: hostPath(`${directory}/${name}`), source: `written by image ${container.image} of ${subject}` };
  }
  return undefined;
}

function findCniConfKey(template: PodTemplate): string | undefined {
  for (const container of template.containers) {
    const file = /(\S*cni-conf\.json)/.exec(container.words.join(' '))?.[1];
    const source = file === undefined ? undefined : configMapIn(template, container, file);
    if (source !== undefined) return source.key;
  }
  return undefined;
}

function directoriesOf(template: PodTemplate): readonly HostPath[] {
  return template.containers.flatMap((container) =>
    container.mounts.flatMap(({ path }) => hostPathIn(template, container, path) ?? []),
  );
}

function invalid(message: string, subject: string): CniError {
  return new CniError({
    code: 'CNI_DAEMON_INVALID',
    message: `cannot read how flannel runs: ${message}`,
    subject,
    hint: 'compare the DaemonSet with the upstream manifest of flannel, or write the two files by hand',
  });
}
