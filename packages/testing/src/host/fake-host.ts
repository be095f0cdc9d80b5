import {
  type DnsAnswer,
  type DnsQuery,
  type ExecOptions,
  type ExecResult,
  type Host,
  HostError,
  type HostErrorCode,
  type HostLock,
  type HostPath,
  type HttpAnswer,
  type HttpProbe,
  isSelected,
  type ProcessInfo,
  type ServiceState,
} from '@kube-rescue/host';
import { MemoryFiles } from './memory-files.ts';
import { type Mutation, watchMutations } from './mutations.ts';
import type { NodeTree } from '../node/node-tree.ts';

export interface FakeHostOptions {
  /** Default: `node01`. */
  readonly name?: string | undefined;
  /** Default: 0, root. */
  readonly userId?: number | undefined;
  /** Initial files and links, owned by root unless they say otherwise. */
  readonly tree?: NodeTree | undefined;
  /** Default: 1 GiB. */
  readonly freeBytes?: number | undefined;
  /** Called each time, so that a test can change the processes. Default: none. */
  readonly processes?: (() => readonly ProcessInfo[]) | undefined;
  /** Initial states of services, by name. Others are unknown. */
  readonly services?: Readonly<Record<string, ServiceState>> | undefined;
  /** Answers one request; `undefined` is a refused connection. Default: every connection is refused. */
  readonly request?: ((probe: HttpProbe) => HttpAnswer | undefined) | undefined;
  /** Answers one DNS query; `undefined` when no server answers. Default: no server answers. */
  readonly resolveDns?: ((query: DnsQuery) => DnsAnswer | undefined) | undefined;
  /** Runs one program; `undefined` when it is not installed. Default: no program is installed. */
  readonly exec?: ((argv: readonly string[], options: ExecOptions) => ExecResult | undefined) | undefined;
}

/** A machine in memory. */
export interface FakeHost extends Host {
  /** Every change to it, in order. */
  readonly mutations: readonly Mutation[];
}

/** A live machine in memory that implements the Host port; modes are stored but not enforced. */
export function createFakeHost(options: FakeHostOptions = {}): FakeHost {
  const files = new MemoryFiles(options.tree ?? new Map(), options.freeBytes ?? 2 ** 30);
  const services = new Map(Object.entries(options.services ?? {}));
  const locks = new Map<HostPath, string>();
  const mutations: Mutation[] = [];
  const host: Host = {
    name: options.name ?? 'node01',
    kind: 'live',
    userId: () => options.userId ?? 0,
    readFile: (path) => files.readFile(path),
    readRange: (path, range) => files.readRange(path, range),
    stat: (path) => files.stat(path),
    readLink: (path) => files.readLink(path),
    list: (path) => files.list(path),
    readTree: (paths, limits) => files.readTree(paths, limits),
    freeBytes: () => files.freeBytes(),
    assertWritable: () => files.assertWritable(),
    writeFile: (path, data, write) => files.writeFile(path, data, write),
    writeFileFrom: (path, data, write) => files.writeFileFrom(path, data, write),
    appendFile: (path, data, append) => files.appendFile(path, data, append),
    writeLink: (path, target, link) => files.writeLink(path, target, link),
    remove: (path, removal) => files.remove(path, removal),
    makeDirectory: (path, make) => files.makeDirectory(path, make),
    moveDirectory: (from, to) => files.moveDirectory(from, to),
    services: {
      status: async (name) => services.get(name) ?? 'unknown',
      act: async (action, name) => {
        if (!services.has(name)) throw failure('HOST_SERVICE_UNKNOWN', name);
        services.set(name, action === 'stop' ? 'stopped' : 'running');
      },
    },
    processes: async (selection = {}) => (options.processes?.() ?? []).filter((each) => isSelected(each, selection)),
    exec: async (argv, exec) => {
      const result = options.exec?.(argv, exec);
      if (result === undefined) throw failure('HOST_EXEC_NOT_FOUND', argv[0]);
      return result;
    },
    request: async (probe) => {
      const answer = options.request?.(probe);
      if (answer === undefined) throw failure('HOST_CONNECTION_FAILED', probe.url);
      return answer;
    },
    connect: async ({ host: name, port }) => {
      throw failure('HOST_CONNECTION_FAILED', `${name}:${port}`);
    },
    connectUnix: async ({ path }) => {
      throw failure('HOST_CONNECTION_FAILED', path);
    },
    resolveDns: async (query) => {
      const answer = options.resolveDns?.(query);
      if (answer === undefined) throw failure('HOST_CONNECTION_FAILED', query.name);
      return answer;
    },
    acquireLock: async (path, holder) => lock(locks, path, holder),
  };
  const watched = watchMutations(host, async (mutation, perform) => {
    await perform();
    mutations.push(mutation);
  });
  return { ...watched, mutations };
}

function lock(locks: Map<HostPath, string>, path: HostPath, holder: string): HostLock {
  const other = locks.get(path);
  if (other !== undefined) throw failure('HOST_LOCKED', other);
  locks.set(path, holder);
  return {
    isHeld: async () => locks.get(path) === holder,
    release: async () => {
      locks.delete(path);
    },
  };
}

function failure(code: HostErrorCode, subject: string): HostError {
  return new HostError({ code, message: `the fake host: ${code}`, subject, hint: 'see the test' });
}
