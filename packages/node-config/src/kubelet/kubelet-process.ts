import type { Host, ProcessInfo } from '@kube-rescue/host';
import { readCommandLine } from '../components/command-line.ts';
import { programName } from '../components/component.ts';

/**
 * Every running kubelet of this node, oldest first. A kubelet always uses its node's own network, so one with another
 * belongs to another node that shares the machine.
 */
export async function findKubelets({
  host,
}: {
  readonly host: Pick<Host, 'processes'>;
}): Promise<readonly ProcessInfo[]> {
  const processes = await host.processes();
  return processes.filter(isKubelet).toSorted((a, b) => a.startTicks - b.startTicks);
}

function isKubelet({ argv, hasOtherNetwork }: ProcessInfo): boolean {
  if (hasOtherNetwork === true) return false;
  const program = programName(argv[0] ?? '');
  return program === 'kubelet' || (program === 'hyperkube' && readCommandLine(argv).program === 'kubelet');
}
