import type { ProcessInfo, ProcessSelection } from './host.ts';

/** Whether a process is one of those wanted, for adapters that read whole processes. Pure. */
export function isSelected({ cgroup, argv }: ProcessInfo, wanted: ProcessSelection): boolean {
  return wanted.cgroup?.(cgroup) !== false && wanted.argv?.(argv) !== false;
}
