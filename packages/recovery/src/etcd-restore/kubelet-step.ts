import type { RestoreMark } from '@kube-rescue/etcd-access/restore';
import type { Node } from '@kube-rescue/node';
import { readKubeletConfiguration } from '@kube-rescue/node-config';
import type { StepId } from '@kube-rescue/workflow';
import { findRestartableKubelet } from '../kubeadm/restartable-kubelet.ts';
import { DONE, needed, type StepParts, waiting } from './changes-step.ts';

export const RESTORE_KUBELET = 'etcd-restore/kubelet';

const TIMEOUT_MS = 60_000;
const INTERVAL_MS = 500;

/** The process of this node's kubelet, for ever: its pid and its start; `undefined` when none runs. */
export async function identifyKubelet({ host, options }: Node): Promise<string | undefined> {
  const { running } = await readKubeletConfiguration({ host, kubernetesDirectory: options.kubernetesDirectory });
  return running && `${running.pid} ${running.startTicks}`;
}

/**
 * Restarts this node's kubelet where it is still the one that ran at the restore, and etcd has not raised its revision: its watches
 * wait for revisions of before, which are used again, and would never show a new pod. The controllers of this node end by themselves
 * when they lose their locks during the restore.
 *
 * A kubelet that might not start again is left running, with a warning. A rollback restarts it too, last.
 */
export function createKubeletStep(
  {
    isDone,
    mark,
    requires,
  }: { readonly isDone: boolean; readonly mark: RestoreMark | undefined; readonly requires: StepId },
  node: Node,
): StepParts {
  const { host, clock, options } = node;
  const isOld = async (): Promise<boolean> =>
    mark?.kubelet !== undefined && (await identifyKubelet(node)) === mark.kubelet;
  return {
    ...{ id: RESTORE_KUBELET, title: 'restart the kubelet', requires: [requires], reversible: 'yes' },
    check: async () => {
      if (!isDone) return waiting(requires);
      if (!(await isOld())) return DONE;
      const { obstacle } = await findRestartableKubelet(node);
      const isKnown = (await host.services.status(options.kubeletService)) === 'running';
      if (obstacle !== undefined || !isKnown) {
        const reason = obstacle ?? `${options.kubeletService} is no service that runs here`;
        return { ...DONE, warnings: [`restart the kubelet by hand, or it may miss new pods: ${reason}`] };
      }
      const change = { kind: 'service.restart', target: options.kubeletService };
      return needed('the kubelet would miss what changes from now on: etcd has not raised its revision', [change]);
    },
    apply: (changes, journal) => journal.perform(changes.map((change) => ({ change }))),
    verify: async (signal, waitingFor) => {
      const begun = clock.now().getTime();
      for (;;) {
        const running = await identifyKubelet(node);
        if (running !== undefined && running !== mark?.kubelet) {
          return { verified: true, evidence: [`kubelet: process ${running.split(' ')[0]} has started`] };
        }
        const reason = running === undefined ? 'the kubelet does not run' : 'the kubelet has not restarted';
        if (clock.now().getTime() - begun >= TIMEOUT_MS) {
          return { verified: false, reason, hint: `see why: journalctl -u ${options.kubeletService}` };
        }
        waitingFor?.(reason);
        await clock.sleep(INTERVAL_MS, signal);
      }
    },
  };
}
