import { HostError } from '../errors.ts';
import type { HostLock } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import type { RunningProgram } from '../local/local-start.ts';
import type { SshConnection } from './ssh-connection.ts';
import { sshFailure } from './ssh-failure.ts';
import type { SshTarget } from './ssh-target.ts';

const TAKE_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 20_000;
const HEARTBEAT_MS = 5_000;
/** A holder whose machine or network is gone has lost the lock after this time. */
const SILENCE_S = 40;

const STATUS = { locked: 46, noFlock: 47 } as const;
/** The exit code of ssh's own failures. */
const SSH_FAILED = 255;
const HELD = 'held';
const STILL_HELD = '.';

type Ended = Awaited<RunningProgram['ended']>;

/**
 * $1 lock file, $2 holder, $3 seconds of silence. Answers each byte of input with a dot; ends with the input, after the silence, and
 * when the file no longer has its name. The file is inherited by no program that it starts.
 */
const LOCK = `
umask 077
command -v flock >/dev/null || exit ${STATUS.noFlock}
exec 9>>"$1" || exit 1
flock -n 9 || { head -n 1 -- "$1" >&2; exit ${STATUS.locked}; }
named() { [ "$(stat -L -c %d:%i -- "/proc/$$/fd/9" 9>&-)" = "$(stat -c %d:%i -- "$1" 2>/dev/null 9>&-)" ]; }
named "$1" || exit 1
printf '%s\\n' "$2" > "$1" || exit 1
echo ${HELD}
while [ -n "$(timeout "$3" head -c 1 9>&-)" ]; do
  named "$1" || exit 1
  echo ${STILL_HELD}
done
`;

/**
 * Takes a lock on another machine by `flock` there, in a program whose input this process keeps open: the lock ends with this process,
 * also after SIGKILL, and 40 s after its machine or network is gone. A lost connection loses the lock.
 * @throws HostError `HOST_LOCKED` `HOST_EXEC_NOT_FOUND` `HOST_IO` `SSH_...`
 */
export async function lockOverSsh(
  { path, holder }: { readonly path: HostPath; readonly holder: string },
  deps: { readonly connection: SshConnection; readonly prefix: readonly string[]; readonly target: SshTarget },
): Promise<HostLock> {
  const { connection, prefix, target } = deps;
  const line = holder.replaceAll('\n', ' ');
  const words = [...prefix, 'env', 'LC_ALL=C', 'sh', '-c', LOCK, 'kube-rescue', path, line, String(SILENCE_S)];
  const program = connection.start(words);
  let hasEnded = false;
  const ended = program.ended.then((result) => {
    hasEnded = true;
    return result;
  });
  const first = await within<string | Ended>(TAKE_TIMEOUT_MS, [nextLine(program), ended]);
  if (first !== HELD) {
    program.end();
    throw refusal(first, path, target);
  }
  const timer = setInterval(() => program.write('.'), HEARTBEAT_MS);
  timer.unref();
  const release = async (): Promise<void> => {
    clearInterval(timer);
    program.end();
    await within(ANSWER_TIMEOUT_MS, [ended]);
  };
  const ask = async (): Promise<boolean> => {
    if (hasEnded) return false;
    const answer = nextLine(program);
    program.write('.');
    return (await within<string | Ended>(ANSWER_TIMEOUT_MS, [answer, ended])) === STILL_HELD;
  };
  let asked: Promise<boolean> | undefined;
  const isHeld = (): Promise<boolean> => {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    return asked;
  };
  return { isHeld, release };
}

function nextLine(program: RunningProgram): Promise<string> {
  return new Promise((resolve) => program.onLine(resolve));
}

/** The first result, or `undefined` after `ms`. The timer keeps this process running meanwhile, which the program does not. */
function within<T>(ms: number, results: readonly Promise<T>[]): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void Promise.race(results).then((result) => {
      clearTimeout(timer);
      resolve(result);
    });
  });
}

function refusal(result: string | Ended | undefined, path: HostPath, target: SshTarget): HostError {
  if (result === undefined || typeof result === 'string')
    return sshFailure(target, 'no answer to the request of a lock');
  const { exitCode, stderr } = result;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  if (exitCode === STATUS.locked) {
    return new HostError({
      code: 'HOST_LOCKED',
      message: `the lock ${path} is held by another process`,
      subject: said === '' ? path : said,
      hint: `wait for it to end; show the holder with: fuser -v ${path}`,
    });
  }
  if (exitCode === STATUS.noFlock) {
    return new HostError({
      code: 'HOST_EXEC_NOT_FOUND',
      message: 'no such program on that machine',
      subject: 'flock',
      hint: 'install util-linux there',
    });
  }
  if (exitCode === SSH_FAILED) return sshFailure(target, stderr);
  return new HostError({
    code: said.includes('No such file') || said.includes('nonexistent') ? 'HOST_NOT_FOUND' : 'HOST_IO',
    message: `cannot take the lock: ${said || `the program ended with ${exitCode}`}`,
    subject: path,
    hint: 'check that its directory exists and is writable there',
  });
}
