import type { Host, HostPath, ProcessInfo } from '@kube-rescue/host';
import { hostPath } from '@kube-rescue/host';
import { readCommandLine } from './command-line.ts';
import { readServiceCommand, type ServiceCommand } from './systemd-unit.ts';
import { whyUntrusted } from './trusted-process.ts';

/** How a program of this node was started, or would be. */
export interface NodeService {
  /** `process`: a running process. `unit`: systemd's files. */
  readonly origin: 'process' | 'unit';
  /** The command line in `/proc`, or the file with the unit's command. */
  readonly source: HostPath;
  readonly argv: readonly string[];
  readonly running: { readonly pid: number; readonly startTicks: number } | undefined;
}

/** A service with what was read and what was not believed; `service` is `undefined` when nothing trusted names it. */
export interface NodeServiceSearch {
  readonly service: NodeService | undefined;
  /** One line for each source, and for each process that is not believed. */
  readonly evidence: readonly string[];
  /** Of the evidence: the processes with the program's name that are not believed. */
  readonly ignored: readonly string[];
}

interface Wanted {
  /** With `.service`. */
  readonly unit: string;
  /** For messages, for example `kubelet`. */
  readonly name: string;
  readonly isProgram: (argv: readonly string[]) => boolean;
}

/**
 * Finds how a service of this node is started: the process in the cgroup of its systemd unit, else a process with the unit's
 * own flags, else the unit's files, else (without a unit) a process that root runs in another way.
 *
 * Only systemd and root can put a process into a unit's cgroup. Processes that `whyUntrusted` names are evidence, never a source.
 * @throws HostError when a unit file exists but cannot be read, `SOURCE_UNTRUSTED` among others
 */
export async function findNodeService(
  { unit, name, isProgram }: Wanted,
  { host }: { readonly host: Pick<Host, 'readFile' | 'list' | 'processes'> },
): Promise<NodeServiceSearch> {
  const all = (await host.processes({ argv: isProgram })).toSorted(byAge);
  const here = all.filter(({ hasOtherNetwork }) => hasOtherNetwork !== true);
  const believed = here.filter((process) => whyUntrusted(process) === undefined);
  const ignored = here.flatMap((process) => {
    const reason = isStartedBy(unit, process) ? undefined : whyUntrusted(process);
    return reason === undefined ? [] : [`process ${process.pid} is called ${name} and is not believed: ${reason}`];
  });
  const command = await readServiceCommand(unit, { host });
  const main = here.find((process) => isStartedBy(unit, process)) ?? sameAs(command, believed);
  const isNamed = command !== undefined && readCommandLine(command.argv).flags.size > 0;
  const chosen = main ?? (isNamed ? undefined : believed[0]);
  if (chosen !== undefined) {
    const others = believed.filter((process) => process !== chosen);
    const also = others.map(({ pid }) => `process ${pid} is another ${name}: its flags are not used`);
    return {
      service: fromProcess(chosen),
      evidence: [`read the command line of the running ${name}, process ${chosen.pid}`, ...also, ...ignored],
      ignored,
    };
  }
  const byHand = believed.map(({ pid }) => `process ${pid} is a ${name} outside of ${unit}: its flags are not used`);
  const state = byHand.length === 0 ? [`no ${name} is running`] : byHand;
  if (command === undefined) return { service: undefined, evidence: [...state, ...ignored], ignored };
  return {
    service: { origin: 'unit', source: command.source, argv: command.argv, running: undefined },
    evidence: [...state, ...ignored, `read the command line that systemd would start in ${command.files.join(', ')}`],
    ignored,
  };
}

function fromProcess({ pid, startTicks, argv }: ProcessInfo): NodeService {
  return { origin: 'process', source: hostPath(`/proc/${pid}/cmdline`), argv, running: { pid, startTicks } };
}

/** A kubelet may move itself to another cgroup (`kubeletCgroups`); its arguments remain those of the unit. */
function sameAs(command: ServiceCommand | undefined, processes: readonly ProcessInfo[]): ProcessInfo | undefined {
  if (command === undefined) return undefined;
  const words = JSON.stringify(command.argv.slice(1));
  return processes.find(({ argv }) => JSON.stringify(argv.slice(1)) === words);
}

/** What systemd itself starts is believed with a program of another user too: release archives are unpacked with foreign owners. */
function isStartedBy(unit: string, process: ProcessInfo): boolean {
  return isIn(unit, process.cgroup) && whyUntrusted({ ...process, program: undefined }) === undefined;
}

/** Version 1 and 2, in any hierarchy: `0::/system.slice/kubelet.service`. */
function isIn(unit: string, cgroup: string): boolean {
  return cgroup.split('\n').some((line) => line.endsWith(`/${unit}`));
}

function byAge(a: ProcessInfo, b: ProcessInfo): number {
  return a.startTicks - b.startTicks;
}
