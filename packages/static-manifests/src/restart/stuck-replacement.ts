import { type Host, type HostPath, readLogTail } from '@kube-rescue/host';
import { findKubelets, type StaticPod } from '@kube-rescue/node-config';
import { listPodLogDirectories } from '../running/pod-logs.ts';

/** The stage of a replacement at its timeout. */
export type ReplacementStage = 'not-picked-up' | 'old-pod-running' | 'crash-looping' | 'not-healthy';

/** An unfinished replacement. */
export interface StuckReport {
  readonly stage: ReplacementStage;
  /** Number of observed processes of the new pod. */
  readonly starts: number;
  readonly newUid: string | undefined;
  readonly evidence: readonly string[];
}

interface Explanation {
  /** One sentence in lower case without a period. */
  readonly reason: string;
  readonly hint: string;
  /** Safe to print. */
  readonly evidence: readonly string[];
}

type Explain = (component: string, starts: number) => readonly [reason: string, hint: string];

const LOG_LINES = 5;

const EXPLANATIONS: Readonly<Record<ReplacementStage, Explain>> = {
  'not-picked-up': (component) => [
    `no new ${component} pod appeared`,
    'check the kubelet log (journalctl -u kubelet), the manifest directory of the kubelet, and the container runtime',
  ],
  'old-pod-running': (component) => [
    `the old ${component} pod is still running`,
    'check the kubelet log (journalctl -u kubelet); the kubelet keeps the old pod when it rejects a manifest',
  ],
  'crash-looping': (component, starts) => [
    `the new ${component} pod crashes repeatedly, it started ${starts} time(s)`,
    'check the last lines of its log',
  ],
  'not-healthy': (component) => [
    `the new ${component} pod runs but is not healthy`,
    'check the answer of its probe and the last lines of its log',
  ],
};

/** Explains a stuck replacement: by the kubelet process, and by the end of the new container's log. */
export async function explainStuck(
  { pod, stage, starts, newUid, evidence }: StuckReport & { readonly pod: StaticPod },
  { host }: { readonly host: Pick<Host, 'processes' | 'list' | 'readFile'> },
): Promise<Explanation> {
  const [reason, hint] = EXPLANATIONS[stage](pod.component, starts);
  const isForTheKubelet = stage === 'not-picked-up' || stage === 'old-pod-running';
  if (isForTheKubelet && (await findKubelets({ host })).length === 0) {
    return {
      reason: `${reason}: no kubelet is running`,
      hint: 'start the kubelet; if it exits at once, check its log: journalctl -u kubelet',
      evidence,
    };
  }
  const folder = await findLogDirectory(pod, newUid, host);
  if (folder === undefined) return { reason, hint, evidence };
  const lines = await readLogTail({ directory: folder, container: pod.main.name, lines: LOG_LINES }, { host });
  return { reason, hint, evidence: [...evidence, ...lines.map((line) => `log: ${line}`)] };
}

async function findLogDirectory(
  pod: StaticPod,
  podUid: string | undefined,
  host: Pick<Host, 'list'>,
): Promise<HostPath | undefined> {
  const directories = await listPodLogDirectories(pod, { host });
  return directories?.find((folder) => folder.podUid === podUid)?.path;
}
