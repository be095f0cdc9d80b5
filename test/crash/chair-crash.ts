import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Cluster, ClusterScenario, LabDeps } from '@kube-rescue/lab';
import { overSshFlags } from '../../apps/drill/src/high-availability/over-ssh-flags.ts';
import { listNodeFiles } from './node-files.ts';
import { watchQuorum } from './quorum-watch.ts';

/** What is killed while several nodes are recovered, and when. */
export interface ChairPoint {
  /** `a connection`: every SSH session of the second node. */
  readonly what: 'the command' | 'a connection';
  /** After the start of the command. */
  readonly afterMs: number;
}

export interface ChairReport extends ChairPoint {
  /** The last line that the command had printed. */
  readonly at: string;
  readonly ended: 'resumed' | 'lost';
  readonly reasons: readonly string[];
  readonly seconds: number;
}

const TIMEOUT_MS = 10_000;

interface Chair {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }>;
  lastLine(): string;
}

/** Starts the recovery of every node on the first one, as a person would there. */
export function recoverFromChair(cluster: Cluster, program: readonly string[], ...flags: readonly string[]): Chair {
  const argv = [...cluster.enter(), ...program, 'recover', ...overSshFlags(cluster), '--yes', '--json', ...flags];
  const [file = '', ...words] = argv;
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number | null, ...output }));
  return { child, ended, lastLine: () => output.stderr.trim().split('\n').at(-1) ?? '' };
}

/** Breaks the cluster, recovers it with the interruption, resumes it, and proves that nothing was lost. */
export async function tryChairInterruption(
  cluster: Cluster,
  program: readonly string[],
  { what, afterMs }: ChairPoint,
  scenario: ClusterScenario,
  deps: LabDeps,
): Promise<ChairReport> {
  const since = deps.clock.now();
  await scenario.breakCluster(cluster, deps);
  const recoverySince = deps.clock.now();
  const quorum = watchQuorum(cluster, deps);
  const reasons: string[] = [];
  const chair = recoverFromChair(cluster, program);
  await deps.clock.sleep(afterMs);
  const at = chair.lastLine();
  const isVictim = what === 'the command' ? isCommand(program) : await isSessionOf(cluster.controlPlanes[1], deps);
  for (const { pid } of (await listProcesses()).filter(isVictim)) kill(pid);
  const { exitCode, stderr } =
    what === 'the command'
      ? await chair.ended.then(() => recoverFromChair(cluster, program, '--resume').ended)
      : await chair.ended;
  if (exitCode !== 0) reasons.push(`it ended with ${exitCode}: ${stderr.trim().split('\n').slice(-3).join(' | ')}`);
  reasons.push(...(await quorum.stop()));
  for (const { ok, name, detail } of await scenario.proveLife(cluster, { since, recoverySince }, deps)) {
    if (!ok) reasons.push(`${name}: ${detail}`);
  }
  reasons.push(...(await findRemains(cluster, program)));
  const seconds = Math.round((deps.clock.now().getTime() - since.getTime()) / 1000);
  return { what, afterMs, at, ended: reasons.length === 0 ? 'resumed' : 'lost', reasons, seconds };
}

async function findRemains(cluster: Cluster, program: readonly string[]): Promise<readonly string[]> {
  const { stdout, exitCode } = await recoverFromChair(cluster, program).ended;
  const isIdle = /"outcome":\s*"nothing-to-do"/.test(stdout);
  const files = await Promise.all(cluster.controlPlanes.map(({ node }) => listNodeFiles(node)));
  const remains = files.flat().filter((name) => /\.kube-rescue\.tmp$|kube-rescue\/(?:carried|cas)\//.test(name));
  return [
    ...(isIdle && exitCode === 0 ? [] : [`a second recovery was no empty one: exit ${exitCode}`]),
    ...remains.map((name) => `not removed: ${name}`),
  ];
}

interface RunningProcess {
  readonly pid: number;
  readonly argv: readonly string[];
  /** Its network namespace. */
  readonly network: string;
}

async function listProcesses(): Promise<readonly RunningProcess[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    names.map(async (name) => ({
      pid: Number(name),
      argv: (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split('\0'),
      network: await readlink(`/proc/${name}/ns/net`).catch(() => ''),
    })),
  );
}

/** What recovers several nodes, wherever it was started; not what it has started on them. */
function isCommand([program]: readonly string[]): (each: RunningProcess) => boolean {
  return ({ argv }) => argv[0] === program && argv.includes('--nodes');
}

/** The SSH sessions of a node, not its server. sshd shows in its title what a process is for. */
async function isSessionOf(
  machine: Cluster['controlPlanes'][number] | undefined,
  { host }: LabDeps,
): Promise<(each: RunningProcess) => boolean> {
  if (machine === undefined) throw new Error('the cluster has one control plane');
  const argv = [...machine.enter(), 'readlink', '/proc/self/ns/net'] as const;
  const { stdout } = await host.exec(argv, { timeoutMs: TIMEOUT_MS });
  const own = stdout.trim();
  return ({ argv: [title = ''], network }) => {
    return network === own && title.startsWith('sshd: ') && !title.includes('[listener]');
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has just ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
