import { type Host, type HostPath, readLogTail } from '@kube-rescue/host';
import { findKubelets, type StaticPod } from '@kube-rescue/node-config';
import { listPodLogDirectories } from '../running/pod-logs.ts';

/** How far the replacement of a pod got when its time was up. */
export type ReplacementStage = 'not-picked-up' | 'old-pod-running' | 'crash-looping' | 'not-healthy';

/** What was seen of a replacement that did not end. */
export interface StuckReport {
  readonly stage: ReplacementStage;
  /** How many processes of the new pod were seen. */
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
    'read the log of the kubelet: journalctl -u kubelet; check that it watches this folder and that the runtime works',
  ],
  'old-pod-running': (component) => [
    `the old ${component} pod is still running`,
    'read the log of the kubelet: journalctl -u kubelet; a manifest that it refuses leaves the old pod alone',
  ],
  'crash-looping': (component, starts) => [
    `the new ${component} pod keeps ending, it started ${starts} time(s)`,
    'the last lines of its log say why',
  ],
  'not-healthy': (component) => [
    `the new ${component} pod runs but is not healthy`,
    'the answer of its probe and the last lines of its log say why',
  ],
};

/** Says why a replacement is stuck: whether there is a kubelet at all, and what the new pod's container wrote last. */
export async function explainStuck(
  { pod, stage, starts, newUid, evidence }: StuckReport & { readonly pod: StaticPod },
  { host }: { readonly host: Pick<Host, 'processes' | 'list' | 'readFile'> },
): Promise<Explanation> {
  const [reason, hint] = EXPLANATIONS[stage](pod.component, starts);
  const isForTheKubelet = stage === 'not-picked-up' || stage === 'old-pod-running';
  if (isForTheKubelet && (await findKubelets({ host })).length === 0) {
    return {
      reason: `${reason}: no kubelet is running`,
      hint: 'start the kubelet; when it ends at once, its log says why: journalctl -u kubelet',
      evidence,
    };
  }
  const folder = await findLogFolder(pod, newUid, host);
  if (folder === undefined) return { reason, hint, evidence };
  const lines = await readLogTail({ directory: folder, container: pod.main.name, lines: LOG_LINES }, { host });
  return { reason, hint, evidence: [...evidence, ...lines.map((line) => `log: ${line}`)] };
}

async function findLogFolder(
  pod: StaticPod,
  podUid: string | undefined,
  host: Pick<Host, 'list'>,
): Promise<HostPath | undefined> {
  const folders = await listPodLogDirectories(pod, { host });
  return folders?.find((folder) => folder.podUid === podUid)?.path;
}
