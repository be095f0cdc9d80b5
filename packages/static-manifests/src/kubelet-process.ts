import type { Host, ProcessInfo } from '@kube-rescue/host';
import { readCommandLine } from './command-line.ts';
import { programName } from './component.ts';

/** Every running kubelet, oldest first; more than one only where several nodes share a machine. */
export async function findKubelets({
  host,
}: {
  readonly host: Pick<Host, 'processes'>;
}): Promise<readonly ProcessInfo[]> {
  const processes = await host.processes();
  return processes.filter(isKubelet).toSorted((a, b) => a.startTicks - b.startTicks);
}

function isKubelet({ argv }: ProcessInfo): boolean {
  const program = programName(argv[0] ?? '');
  return program === 'kubelet' || (program === 'hyperkube' && readCommandLine(argv).program === 'kubelet');
}
