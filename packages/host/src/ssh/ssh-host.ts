import { HostError } from '../errors.ts';
import type { ExecOptions, ExecResult, Host } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import type { OnAttributesLost } from '../kept-attributes.ts';
import { createServices, SYSTEMD_SIGN } from '../local/local-services.ts';
import { createScriptRunner } from './remote-script.ts';
import { openSshConnection, type SshConnection } from './ssh-connection.ts';
import { lockOverSsh } from './ssh-lock.ts';
import { createSshProcesses } from './ssh-processes.ts';
import { createSshFileReads } from './ssh-reads.ts';
import type { SshTarget } from './ssh-target.ts';
import { createSshTreeRead } from './ssh-tree.ts';
import { createSshFileWrites } from './ssh-writes.ts';

export interface SshHostOptions extends SshTarget {
  /** As for `createLocalHost`, on the other machine. Default: systemd where it runs, otherwise no services. */
  readonly serviceCommand?: HostPath | undefined;
  /** As for `createLocalHost`. Default: ignored. */
  readonly onAttributesLost?: OnAttributesLost | undefined;
}

/** Another machine, over one SSH connection. */
export interface SshHost extends Host {
  /** The machine's own host name: `uname -n`. */
  readonly hostname: string;
  /** The IP addresses of its interfaces, as reported by `ip`. */
  readonly addresses: readonly string[];
  /** Ends the connection. */
  close(): Promise<void>;
}

/** Exit code of a script whose program the machine does not have. */
const NO_PROGRAM = 45;
const NO_FOLDER = 46;
const ASK_TIMEOUT_MS = 30_000;
/** The other machine kills a hanging program a little after the caller's timeout. */
const KILL_AFTER_S = 1;

/** $1 seconds, $2 directory or nothing, $3 number of assignments or `-` to keep the environment, then those, then the program. */
const EXEC = `
seconds=$1 directory=$2 given=$3
shift 3
[ -z "$directory" ] || cd -- "$directory" || exit ${NO_FOLDER}
if [ "$given" = - ]; then program=$1; else eval "program=\\\${$((given + 1))}"; fi
command -v -- "$program" >/dev/null || exit ${NO_PROGRAM}
[ "$given" = - ] || set -- env -i "$@"
exec timeout -s KILL "$seconds" "$@"
`;

/**
 * A machine behind the OpenSSH client of this one. Always checks host keys, never prompts, and keeps one
 * connection until it is closed.
 *
 * Needs `sh`, coreutils and GNU find there, and `flock` for a lock. Its sockets are `HOST_UNSUPPORTED`. Other users of that machine can read
 * the values of `env`: pass secrets by `input`.
 * @throws HostError `SSH_UNREACHABLE` `SSH_HOST_KEY_CHANGED` `SSH_HOST_KEY_UNKNOWN` `SSH_AUTHENTICATION_FAILED`
 * `SSH_COMMAND_MISSING`; `HOST_PERMISSION_DENIED` when sudo wants a password
 */
export async function createSshHost(options: SshHostOptions): Promise<SshHost> {
  const connection = await openSshConnection(options);
  try {
    const prefix = options.sudo === true ? ['sudo', '-n', '--'] : [];
    const { userId, hostname, hasSystemd, addresses } = await introduce(connection, prefix, options);
    const run = createScriptRunner(connection, prefix);
    const exec: Host['exec'] = (argv, how) => execRemotely(connection, prefix, argv, how);
    return {
      name: options.address,
      hostname,
      addresses,
      kind: 'live',
      userId: () => userId,
      services: createServices(exec, { serviceCommand: options.serviceCommand, hasSystemd }),
      isRemote: true,
      ...createSshFileReads(run, userId),
      ...createSshTreeRead(run),
      ...createSshProcesses(run),
      ...createSshFileWrites(run, options.onAttributesLost ?? (() => undefined)),
      exec,
      ...doorsThatAreNotThere,
      acquireLock: (path, holder) => lockOverSsh({ path, holder }, { connection, prefix, target: options }),
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface Introduction extends Pick<SshHost, 'hostname' | 'addresses'> {
  readonly userId: number;
  readonly hasSystemd: boolean;
}

async function introduce(
  connection: SshConnection,
  prefix: readonly string[],
  { address }: SshTarget,
): Promise<Introduction> {
  const script = `id -u && uname -n && if [ -d ${SYSTEMD_SIGN} ]; then echo systemd; else echo none; fi; ip -o addr || true`;
  const result = await connection.run([...prefix, 'sh', '-c', script], { timeoutMs: ASK_TIMEOUT_MS });
  const [uid = '', hostname = '', systemd, ...links] = result.stdout.toString().split('\n');
  if (result.exitCode === 0 && /^\d+$/.test(uid)) {
    const addresses = links.flatMap((line) => /\binet6? ([0-9a-f.:]+)/.exec(line)?.[1] ?? []);
    return { userId: Number(uid), hostname, hasSystemd: systemd === 'systemd', addresses };
  }
  const reason = result.stderr.trim().split('\n').at(-1) ?? '';
  throw new HostError({
    code: 'HOST_PERMISSION_DENIED',
    message: `logged in, but could not run commands${reason === '' ? '' : `: ${reason}`}`,
    subject: address,
    hint: 'log in as root, or as a user that may use sudo without a password (--ssh-sudo) and has a shell',
  });
}

async function execRemotely(
  connection: SshConnection,
  prefix: readonly string[],
  argv: readonly [string, ...string[]],
  { timeoutMs, cwd, env, ...options }: ExecOptions,
): Promise<ExecResult> {
  const seconds = String(Math.ceil(timeoutMs / 1000) + KILL_AFTER_S);
  const assignments = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`);
  const given = env === undefined ? '-' : String(assignments.length);
  const words = [...prefix, 'sh', '-c', EXEC, 'kube-rescue', seconds, cwd ?? '', given, ...assignments, ...argv];
  const { exitCode, stdout, stderr } = await connection.run(words, { timeoutMs, ...options });
  if (exitCode === NO_PROGRAM || exitCode === NO_FOLDER) throw notRunnable(exitCode, argv[0], cwd);
  return { exitCode, stdout: stdout.toString(), stderr };
}

function notRunnable(exitCode: number, program: string, cwd: HostPath | undefined): HostError {
  if (exitCode === NO_FOLDER) {
    return new HostError({
      code: 'HOST_NOT_FOUND',
      message: 'cannot run a program in the directory: no such file or directory',
      subject: cwd ?? '/',
      hint: 'check the path; the directory must exist on that machine',
    });
  }
  return new HostError({
    code: 'HOST_EXEC_NOT_FOUND',
    message: 'no such program on that machine',
    subject: program,
    hint: `install the package of ${program} there, or use an absolute path`,
  });
}

const doorsThatAreNotThere: Pick<Host, 'request' | 'connect' | 'connectUnix' | 'resolveDns'> = {
  request: async ({ url }) => {
    throw unsupported('send a request', url);
  },
  connect: async ({ host, port }) => {
    throw unsupported('open a connection', `${host}:${port}`);
  },
  connectUnix: async ({ path }) => {
    throw unsupported('open a connection', path);
  },
  resolveDns: async ({ name }) => {
    throw unsupported('query a DNS server', name);
  },
};

function unsupported(attempted: string, subject: string): HostError {
  return new HostError({
    code: 'HOST_UNSUPPORTED',
    message: `cannot ${attempted} over SSH`,
    subject,
    hint: 'run kube-rescue on that machine itself',
  });
}
