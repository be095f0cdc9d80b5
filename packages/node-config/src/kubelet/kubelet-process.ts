import type { Host, ProcessInfo } from '@kube-rescue/host';
import { readCommandLine } from '../components/command-line.ts';
import { programName } from '../components/component.ts';
import { isNodeService } from '../components/trusted-process.ts';

/**
 * Every running kubelet of this node that root runs, oldest first. A kubelet always uses its node's own network; a kubelet in
 * another network namespace belongs to another node on the same machine.
 */
export async function findKubelets({
  host,
}: {
  readonly host: Pick<Host, 'processes'>;
}): Promise<readonly ProcessInfo[]> {
  const processes = await host.processes({ argv: isKubeletCommand });
  return processes.filter(isNodeService).toSorted((a, b) => a.startTicks - b.startTicks);
}

/** Whether a command line starts a kubelet, also as hyperkube. */
export function isKubeletCommand(argv: readonly string[]): boolean {
  const program = programName(argv[0] ?? '');
  return program === 'kubelet' || (program === 'hyperkube' && readCommandLine(argv).program === 'kubelet');
}
