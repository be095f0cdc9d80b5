import type { AfterRun } from './run-answer.ts';
import type { Session } from './wiring.ts';

const BACK = 'run `recover` on the node itself: it renews the files there and restarts what uses them';

/** After a recovery: the cluster as kubectl shows it, then what a recovery of one node leaves to the operator. */
export function afterRecovery({ node, host }: Pick<Session, 'node' | 'host'>): AfterRun {
  return async () => {
    if (host.kind === 'copy') return { command: null, text: BACK };
    const { adminKubeconfig } = await node.describe();
    return {
      command: null,
      text: `\`kubectl --kubeconfig ${adminKubeconfig} get nodes\`; a worker that stays NotReady needs \`kube-rescue triage\` there; copies of admin.conf elsewhere are to be replaced; hand over with \`kube-rescue report latest\``,
    };
  };
}

/** After a renewal of files alone. */
export function afterRenewal({ host }: Pick<Session, 'host'>): AfterRun {
  return async () => {
    if (host.kind === 'copy') return { command: null, text: BACK };
    return {
      command: 'recover',
      text: 'restarts what still uses the old certificates; until then nothing has changed for the cluster',
    };
  };
}
