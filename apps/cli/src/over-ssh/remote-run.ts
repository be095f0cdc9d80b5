import { isUnanswered, printable, redact } from '@kube-rescue/errors';
import type { Clock, HostPath } from '@kube-rescue/host';
import type { Envelope } from '../envelope.ts';
import { CARRIED_DIRECTORY, carriedPath, type RemoteNode } from './remote-node.ts';

/** One command of the carried program on a node. */
export interface RemoteRun {
  /** The directory with the program and the output of its commands. */
  readonly id: string;
  /** `1`, `2`, ...: a command is started once only. */
  readonly number: number;
}

/** How a command has ended. */
export interface RemoteAnswer {
  /** `undefined`: it was killed, or the machine was restarted. */
  readonly exitCode: number | undefined;
  /** Of its standard output, under `--json`. */
  readonly envelope: Envelope | undefined;
  /** The last line of its error output. */
  readonly lastLine: string;
}

/** Longer than a node waits for output. */
const TIMEOUT_MS = 60_000;
/** How long a node waits for more output before it answers without, in half seconds. */
const WAITS = 30;
const RETRY_MS = 2_000;
const MOST_LOG_BYTES = 256 * 1024;

/**
 * $1 directory of the command, then its argv. Starts it in a session of its own, so that it outlives the connection, once: a second
 * start does nothing. Its end is written last.
 */
const START = `
set -eu
umask 077
directory=$1
shift
mkdir -- "$directory" 2>/dev/null || exit 0
unset SSH_CONNECTION SSH_CLIENT SSH_TTY
setsid sh -c '
directory=$1
shift
sh -c '\\''echo $$ > "$0/pid" && umask 022 && exec "$@"'\\'' "$directory" "$@" > "$directory/answer" 2> "$directory/log" < /dev/null
echo $? > "$directory/ended.tmp"
mv -- "$directory/ended.tmp" "$directory/ended"
' kube-rescue "$directory" "$@" > /dev/null 2>&1 < /dev/null &
`;

/** Whether the command of a directory runs: the pid may belong to another process by now. */
const RUNS = `
runs() {
  pid=$(cat "$1/pid" 2>/dev/null) && tr '\\000' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$2"
}
`;

/** $1 directory of the command, $2 program, $3 bytes of the log that are known. Waits for more, prints the state in a line, then more of the log. */
const READ = `${RUNS}
state() {
  if [ -e "$1/ended" ]; then echo "ended $(cat "$1/ended")"
  elif [ ! -d "$1" ]; then echo missing
  elif runs "$1" "$2"; then echo running
  else return 1
  fi
}
tries=0
while [ "$tries" -lt ${WAITS} ] && [ ! -e "$1/ended" ] && [ "$(stat -c %s -- "$1/log" 2>/dev/null || echo 0)" -le "$3" ] && runs "$1" "$2"; do
  sleep 0.5
  tries=$((tries + 1))
done
state "$1" "$2" || { sleep 1; state "$1" "$2" || echo killed; }
tail -c "+$(($3 + 1))" "$1/log" 2>/dev/null | head -c ${MOST_LOG_BYTES}
exit 0
`;

const SIGNAL = `${RUNS}
runs "$1" "$2" && kill -INT "$pid"
exit 0
`;

/** $1 directory of carried programs. Prints the directory of each command that still runs. */
const LIST = `${RUNS}
for each in "$1"/*/*/pid; do
  directory=\${each%/pid}
  [ -e "$each" ] && [ ! -e "$directory/ended" ] && runs "$directory" "\${directory%/*}/kube-rescue" && echo "$directory"
done
exit 0
`;

/** $1 directory of carried programs. Removes those of which no command runs; the directories above go when they are empty. */
const REMOVE = `${RUNS}
for directory in "$1"/*; do
  [ -d "$directory" ] || continue
  busy=
  for each in "$directory"/*/pid; do
    command=\${each%/pid}
    [ -e "$each" ] && [ ! -e "$command/ended" ] && runs "$command" "$directory/kube-rescue" && busy=yes
  done
  [ -n "$busy" ] || rm -rf -- "$directory"
done
rmdir -- "$1" 2>/dev/null
exit 0
`;

function directoryOf({ id, number }: RemoteRun): HostPath {
  return carriedPath(id, String(number));
}

function programOf({ id }: RemoteRun): HostPath {
  return carriedPath(id, 'kube-rescue');
}

/** Starts a command of the carried program, independent of the connection. Does nothing when it was started before. @throws HostError */
export async function startRun(node: RemoteNode, run: RemoteRun, args: readonly string[]): Promise<void> {
  const words = [directoryOf(run), programOf(run), ...args];
  const start = () => node.host.exec(['sh', '-c', START, 'kube-rescue', ...words], { timeoutMs: TIMEOUT_MS });
  try {
    await start();
  } catch (error) {
    if (!isUnanswered(error)) throw error;
    // The answer was lost, perhaps after the start.
    await start();
  }
}

/**
 * Follows a command to its end. A lost connection is opened again until it answers; the command goes on meanwhile.
 * @throws HostError of a connection that is refused rather than lost
 */
export async function followRun(
  node: RemoteNode,
  run: RemoteRun,
  {
    clock,
    onLine,
    onNote,
  }: {
    readonly clock: Clock;
    /** A line of its error output. */
    readonly onLine: (line: string) => void;
    /** About the connection. */
    readonly onNote: (text: string) => void;
  },
): Promise<RemoteAnswer> {
  let known = 0;
  let isLost = false;
  let lastLine = '';
  for (;;) {
    let output: string;
    try {
      const words = [directoryOf(run), programOf(run), String(known)];
      output = (await node.host.exec(['sh', '-c', READ, 'kube-rescue', ...words], { timeoutMs: TIMEOUT_MS })).stdout;
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      if (!isLost) onNote(`the connection was lost; ${node.name} goes on by itself, and is asked again`);
      isLost = true;
      await clock.sleep(RETRY_MS);
      continue;
    }
    if (isLost) onNote('connected again');
    isLost = false;
    const [state, log] = splitOnce(output);
    const whole = log.length >= MOST_LOG_BYTES && !log.includes('\n') ? log : log.slice(0, log.lastIndexOf('\n') + 1);
    known += Buffer.byteLength(whole);
    for (const line of whole.split('\n').filter((each) => each.trim() !== '')) {
      lastLine = line;
      onLine(redact(printable(line)));
    }
    if (whole !== '') continue;
    if (state !== 'running') return { ...(await readEnd(node, run, state)), lastLine };
  }
}

async function readEnd(
  { host }: RemoteNode,
  run: RemoteRun,
  state: string,
): Promise<Pick<RemoteAnswer, 'exitCode' | 'envelope'>> {
  const exitCode = /^ended (\d{1,3})$/.exec(state)?.[1];
  const answer = await host.readFile(carriedPath(run.id, String(run.number), 'answer'));
  return { exitCode: exitCode === undefined ? undefined : Number(exitCode), envelope: parseEnvelope(answer) };
}

/** The JSON document of a command; `undefined` for anything else. */
export function parseEnvelope(bytes: Uint8Array | string | undefined): Envelope | undefined {
  const text = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'ok' in value ? (value as Envelope) : undefined;
  } catch {
    return undefined;
  }
}

function splitOnce(text: string): readonly [head: string, rest: string] {
  const at = text.indexOf('\n');
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Asks a command to stop at its next safe point, as Ctrl-C does; does nothing once it has ended. @throws HostError */
export async function interruptRun({ host }: RemoteNode, run: RemoteRun): Promise<void> {
  const words = [directoryOf(run), programOf(run)];
  await host.exec(['sh', '-c', SIGNAL, 'kube-rescue', ...words], { timeoutMs: TIMEOUT_MS });
}

/** The commands of carried programs that still run on a node, also those that another process has started. @throws HostError */
export async function listRuns({ host }: RemoteNode): Promise<readonly RemoteRun[]> {
  const words = ['sh', '-c', LIST, 'kube-rescue', CARRIED_DIRECTORY] as const;
  const { stdout } = await host.exec(words, { timeoutMs: TIMEOUT_MS });
  return stdout.split('\n').flatMap((line) => {
    const [id, number] = line.split('/').slice(-2);
    return id !== undefined && number !== undefined && /^\d+$/.test(number) ? [{ id, number: Number(number) }] : [];
  });
}

/** Removes every carried program of a node that no longer runs, with the output of its commands. @throws HostError */
export async function removePrograms({ host }: Pick<RemoteNode, 'host'>): Promise<void> {
  await host.exec(['sh', '-c', REMOVE, 'kube-rescue', CARRIED_DIRECTORY], { timeoutMs: TIMEOUT_MS });
}
