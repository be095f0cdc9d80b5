import { hostname } from 'node:os';
import { HostError } from '../errors.ts';
import type { Host, ServiceControl } from '../host.ts';
import { type HostPath, hostPath } from '../host-path.ts';
import type { OnAttributesLost } from '../kept-attributes.ts';
import { connectLocally, connectUnixLocally } from './local-connect.ts';
import { resolveLocally } from './local-dns.ts';
import { execLocally } from './local-exec.ts';
import { createLocalFileReads } from './local-files.ts';
import { lockLocally } from './local-lock.ts';
import { livePaths, pathsBelow } from './local-paths.ts';
import { readProcesses } from './local-processes.ts';
import { requestLocally } from './local-request.ts';
import { createLocalServices } from './local-services.ts';
import { createLocalFileWrites } from './local-writes.ts';

export interface LocalHostOptions {
  /** Root directory of all paths: a copy of a node's filesystem. Default: `/`, the live machine. */
  readonly root?: HostPath | undefined;
  /**
   * Program called as `PROGRAM start|stop|restart|status NAME` instead of systemd; `status` exits 0 when running,
   * 3 when stopped and 4 when unknown, as LSB init scripts do. Its background processes must not hold its output open.
   * Default: systemd if present, otherwise no services.
   */
  readonly serviceCommand?: HostPath | undefined;
  /** Only the files of the live machine: everything else is refused as on a copy. Default: false. */
  readonly filesOnly?: boolean | undefined;
  /** Called when a write may have lost the access list, extended attributes or SELinux label of a file. Default: ignored. */
  readonly onAttributesLost?: OnAttributesLost | undefined;
}

const LIVE_ROOT = hostPath('/');

/**
 * The machine this process runs on, or a copy of a node's filesystem below `root`.
 *
 * A copy has no processes, services, programs or sockets; its links stay below `root`, as in a chroot.
 */
export function createLocalHost(options: LocalHostOptions = {}): Host {
  const root = options.root ?? LIVE_ROOT;
  const isLive = root === LIVE_ROOT;
  const paths = isLive ? livePaths : pathsBelow(root);
  return {
    ...(isLive && options.filesOnly !== true ? liveMachine(options) : copiedMachine(root)),
    ...createLocalFileReads(paths),
    ...createLocalFileWrites(paths, root, options.onAttributesLost ?? (() => undefined)),
    userId: () => process.getuid?.() ?? -1,
    acquireLock: (file, holder) => lockLocally(paths, file, holder),
  };
}

type Machine = Pick<
  Host,
  'name' | 'kind' | 'services' | 'exec' | 'processes' | 'request' | 'connect' | 'connectUnix' | 'resolveDns'
>;

function liveMachine({ serviceCommand }: LocalHostOptions): Machine {
  return {
    name: hostname(),
    kind: 'live',
    services: createLocalServices(execLocally, serviceCommand),
    exec: execLocally,
    processes: async (selection) => readProcesses(selection),
    request: requestLocally,
    connect: connectLocally,
    connectUnix: connectUnixLocally,
    resolveDns: resolveLocally,
  };
}

function copiedMachine(root: HostPath): Machine {
  const services: ServiceControl = {
    status: async () => 'unknown',
    act: async (action, name) => {
      throw unsupported(`${action} a service`, name);
    },
  };
  return {
    name: root,
    kind: 'copy',
    services,
    exec: async ([program]) => {
      throw unsupported('run a program', program);
    },
    processes: async () => [],
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
}

function unsupported(attempted: string, subject: string): HostError {
  return new HostError({
    code: 'HOST_UNSUPPORTED',
    message: `cannot ${attempted} on a copy of a machine's files`,
    subject,
    hint: 'run it on the machine itself, without --root',
  });
}
