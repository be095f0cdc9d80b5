import { type Envelope, PROGRAM } from 'kube-rescue/command-line';
import type { Host, HostPath } from '@kube-rescue/host';

/** A node on which the drill runs `kube-rescue`, as the operator would. */
export interface DrillNode {
  /** The argv in front of a program to run on the node. */
  enter(): readonly [string, ...string[]];
  readonly serviceCommand: HostPath;
}

export interface RescueAnswer {
  readonly exitCode: number;
  readonly envelope: Envelope | undefined;
  /** The last line of the error output, for a failure without an envelope. */
  readonly lastWords: string;
  /** Standard error, then standard output. */
  readonly output: string;
}

/** Longer than the timeout of any step; only a hung process takes longer. */
const TIMEOUT_MS = 15 * 60_000;

/**
 * Runs `kube-rescue ARGS --json` as a separate process on the node: the drill has no interface to the recovery that a real
 * incident lacks.
 */
export async function runRescue(
  node: DrillNode,
  args: readonly string[],
  deps: {
    readonly host: Pick<Host, 'exec'>;
    readonly signal: AbortSignal;
    readonly onLine: (line: string) => void;
    /** The argv of kube-rescue on the node. Default: the npm package of this drill. */
    readonly program?: readonly string[] | undefined;
  },
): Promise<RescueAnswer> {
  const command = [
    ...(deps.program ?? [process.execPath, PROGRAM]),
    ...args,
    '--json',
    '--service-command',
    node.serviceCommand,
  ];
  let lastWords = '';
  let output = '';
  const { exitCode, stdout } = await deps.host.exec([...node.enter(), ...command], {
    timeoutMs: TIMEOUT_MS,
    signal: deps.signal,
    onErrorLine: (line) => {
      if (line.trim() !== '') lastWords = line.trim();
      output += `${line}\n`;
      deps.onLine(line);
    },
  });
  return { exitCode, envelope: parseEnvelope(stdout), lastWords, output: output + stdout };
}

function parseEnvelope(stdout: string): Envelope | undefined {
  try {
    return JSON.parse(stdout) as Envelope;
  } catch {
    return undefined;
  }
}
