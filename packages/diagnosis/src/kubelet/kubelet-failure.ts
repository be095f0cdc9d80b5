import { hostPath } from '@kube-rescue/host';
import { readKubeletVersion } from '@kube-rescue/node-config';
import type { Node, NodeDescription } from '@kube-rescue/node';
import type { Finding } from '../cause.ts';
import { type Failure, findDoubt, judgeExcerpt } from '../failures/failure.ts';
import type { LogExcerpt } from '../failures/log-excerpt.ts';
import { readServiceLog } from '../failures/service-log.ts';
import { findMissingRuntime } from './container-runtime.ts';
import { findRefusedCgroups, findRefusedSwap } from './machine-settings.ts';
import { findUnknownFlags } from './unknown-flags.ts';

/** Why the kubelet does not start, apart from certificates. */
export interface KubeletFailure {
  readonly findings: readonly Finding[];
  /** Its last lines, when no finding explains them. */
  readonly evidence: readonly string[];
}

/** Files with the kubelet's flags, besides its unit and its configuration. */
const FLAG_FILES = ['/var/lib/kubelet/kubeadm-flags.env', '/etc/default/kubelet', '/etc/sysconfig/kubelet'].map(
  hostPath,
);

/**
 * Why a kubelet that does not run cannot start: its flags, cgroup v1, swap, the container runtime, and what its own log says.
 *
 * Facts of the machine come before the log, which may be older than a fix. On a copy only the flags are judged, against the version
 * in the database of packages. A kubelet that runs is not judged.
 */
export async function findKubeletFailure(
  { kubelet, options }: NodeDescription,
  { host }: Pick<Node, 'host'>,
): Promise<KubeletFailure> {
  if (kubelet.running !== undefined) return { findings: [], evidence: [] };
  const version = await readKubeletVersion(kubelet, { host });
  const unknown = findUnknownFlags(kubelet, version);
  if (host.kind !== 'live') return { findings: unknown, evidence: [] };
  const log = await readServiceLog(options.kubeletService, { host });
  const { flags } = kubelet.component;
  // With a refused file the other settings are not known; the file is a problem of its own.
  if (kubelet.problems.length > 0) return { findings: unknown, evidence: [] };
  const found = await Promise.all([
    findRefusedCgroups(flags, version, log, { host }),
    findRefusedSwap(flags, { host }),
    findMissingRuntime(kubelet, version, { host }),
  ]);
  const findings = [...unknown, ...found.flat()];
  if (log === undefined) return { findings, evidence: [] };
  const said = await judgeLog(kubelet, log, host);
  if (said.finding === undefined) return { findings, evidence: findings.length === 0 ? said.evidence : [] };
  const isKnown = findings.some(({ code }) => code === said.finding?.code);
  return { findings: isKnown ? findings : [...findings, said.finding], evidence: [] };
}

async function judgeLog(
  { component, commandLine, configFile, dropIns }: NodeDescription['kubelet'],
  log: LogExcerpt,
  host: Node['host'],
): Promise<Failure> {
  const { source } = component;
  const files = [source, ...(configFile === undefined ? [] : [configFile]), ...dropIns, ...FLAG_FILES];
  const program = { component: 'kubelet', name: 'the kubelet', source, flags: commandLine } as const;
  const doubt = await findDoubt(program, log, files, { host });
  return judgeExcerpt(program, log, { ...doubt, isRestarted: false });
}
