import { type Clock, type Host, type HostPath, hostPath } from '@kube-rescue/host';

/** Ticks of `startTicks`: the kernel reports 100 a second to user space, at any internal rate (proc(5), `USER_HZ`). */
const TICKS_PER_SECOND = 100;

/** The boot time, by the uptime; `undefined` when the uptime is unreadable. */
export async function readBootTime(host: Pick<Host, 'readFile'>, clock: Clock): Promise<Date | undefined> {
  const uptime = await host.readFile(hostPath('/proc/uptime'));
  const seconds = uptime === undefined ? Number.NaN : Number.parseFloat(new TextDecoder().decode(uptime));
  return Number.isNaN(seconds) ? undefined : new Date(clock.now().getTime() - seconds * 1000);
}

/** When a process started, to within a second or so. */
export function startOf({ startTicks }: { readonly startTicks: number }, bootedAt: Date): Date {
  return new Date(bootedAt.getTime() + (startTicks * 1000) / TICKS_PER_SECOND);
}

/** The `startTicks` of a process that would start at this moment; as exact as {@link startOf}. */
export function ticksAt(moment: Date, bootedAt: Date): number {
  return ((moment.getTime() - bootedAt.getTime()) / 1000) * TICKS_PER_SECOND;
}

/**
 * The files that changed after a process started, so that it may still use their old content.
 *
 * Compares modification times; a clock change in between falsifies them.
 */
export async function findNewerFiles(
  input: { readonly startedAt: Date; readonly files: readonly HostPath[] },
  { host }: { readonly host: Pick<Host, 'stat'> },
): Promise<readonly HostPath[]> {
  const newer: HostPath[] = [];
  for (const file of input.files) {
    const stat = await host.stat(file);
    if (stat !== undefined && stat.modifiedAt > input.startedAt) newer.push(file);
  }
  return newer;
}
