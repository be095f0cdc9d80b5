import type { Host } from '../host.ts';
import { type HostPath, hostPath, parentPath } from '../host-path.ts';
import { assertTrusted, type TrustOptions } from './path-trust.ts';

export interface GuardOptions extends Pick<TrustOptions, 'onServiceAccount' | 'allowSticky'> {}

/** They open and run no file by a path: a new operation of the host is guarded, or named here. */
type Unguarded = 'name' | 'kind' | 'isRemote' | 'services' | 'userId' | 'stat' | 'readLink' | 'readTree' | 'freeBytes';
type WithoutFiles = 'processes' | 'request' | 'connect' | 'resolveDns';
type Guarded = Omit<Host, Unguarded | WithoutFiles>;

/** The directory of our own runs, snapshots and bundles. */
const STATE_DIRECTORY = hostPath('/var/lib/kube-rescue');
/** Files that the kernel makes; not the links among them, which lead to files of processes. */
const KERNEL_FILES = /^\/(?:sys\/|proc\/(?:net\/|sys\/|(?:\d+|self)\/(?:fd|net\/\w+|\w+)$|\w+$))/;
/**
 * What the kubelet keeps of running pods: only compared and shown. `/var/log` belongs to the group of syslog in Ubuntu, and the
 * volumes of Secrets are writable for all, below directories that only root may search.
 */
const OBSERVED = /^\/var\/(?:log\/pods|lib\/kubelet\/pods)(?:\/|$)/;
/**
 * The pod checkpointer copies the Secrets of a pod into files of the user that the pod runs as, below directories that only root may
 * search (kubernetes-retired/bootkube, `pkg/checkpoint`).
 */
const CHECKPOINTED_SECRETS = /\/checkpoint-secrets\/[^/]+\/[^/]+\/./;
/** Names only, for the dates of the files: `/var/log` belongs to the group of syslog in Ubuntu. */
const LISTED = /^\/var\/log(?:\/journal(?:\/\w+)?)?$/;
const KERNEL_LINKS = /^\/proc\/(?:\d+|self)\/(?:root|cwd|exe)$/;

/**
 * A host that reads, writes and runs only what no user other than root could have changed (`findForeignWriter`): the
 * configuration of the node, its keys, and our own runs. Everything else is refused before it is opened.
 *
 * `stat` and `readLink` are not refused, nor are reads of the logs and volumes of pods: they only describe. In our own directory neither links nor service accounts are
 * accepted. For files that the operator names by hand, such as a plan, use the host itself.
 * @throws HostError `SOURCE_UNTRUSTED` from every guarded operation
 */
export function guardHost<Guardable extends Host>(host: Guardable, options: GuardOptions = {}): Guardable {
  const onServiceAccount = options.onServiceAccount ?? (() => undefined);
  // Only root can change a directory that is trusted, so it remains so.
  const known = new Set<HostPath>();
  const ownKnown = new Set<HostPath>();
  const assert = async (path: HostPath, allowSticky = options.allowSticky): Promise<void> => {
    if (KERNEL_FILES.test(path) && !KERNEL_LINKS.test(path)) return;
    const isOwn = path === STATE_DIRECTORY || path.startsWith(`${STATE_DIRECTORY}/`);
    const how = isOwn
      ? { known: ownKnown, ownDirectory: STATE_DIRECTORY }
      : { known, onServiceAccount, allowSticky, podDirectory: CHECKPOINTED_SECRETS };
    await assertTrusted(path, { host }, how);
  };
  const assertRead = async (path: HostPath): Promise<void> => {
    if (!OBSERVED.test(path)) await assert(path);
  };
  /** The entry is replaced or removed, so the directories above it count. */
  const assertEntry = (path: HostPath): Promise<void> => assert(parentPath(path));
  const guarded: Guarded = {
    readFile: async (path) => {
      await assertRead(path);
      return host.readFile(path);
    },
    readRange: async (path, ...rest) => {
      await assertRead(path);
      return host.readRange(path, ...rest);
    },
    list: async (path) => {
      if (!LISTED.test(path)) await assertRead(path);
      return host.list(path);
    },
    assertWritable: async (path) => {
      await assert(path);
      await host.assertWritable(path);
    },
    writeFile: async (path, ...rest) => {
      await assertEntry(path);
      await host.writeFile(path, ...rest);
    },
    writeFileFrom: async (path, ...rest) => {
      await assertEntry(path);
      await host.writeFileFrom(path, ...rest);
    },
    appendFile: async (path, ...rest) => {
      await assert(path);
      await host.appendFile(path, ...rest);
    },
    writeLink: async (path, ...rest) => {
      await assertEntry(path);
      await host.writeLink(path, ...rest);
    },
    remove: async (path, ...rest) => {
      await assertEntry(path);
      await host.remove(path, ...rest);
    },
    makeDirectory: async (path, ...rest) => {
      await assert(path);
      await host.makeDirectory(path, ...rest);
    },
    moveDirectory: async (from, to) => {
      await assert(from);
      await assertEntry(to);
      await host.moveDirectory(from, to);
    },
    exec: async (argv, ...rest) => {
      if (argv[0].startsWith('/')) await assert(hostPath(argv[0]));
      return host.exec(argv, ...rest);
    },
    // Another server than the one that root started could read what is sent to it.
    connectUnix: async (target) => {
      await assert(target.path);
      return host.connectUnix(target);
    },
    acquireLock: async (path, ...rest) => {
      // The checkpointer's lock is in /run/lock, where all may create files; a lock is created without following links.
      await assert(path, true);
      return host.acquireLock(path, ...rest);
    },
  };
  return { ...host, ...guarded };
}

/**
 * A guarded host that also reads files, and directories with what is in them, that the operator has named: they are input, and
 * the operator's own user may own them.
 */
export function withInputs(guarded: Host, unguarded: Host, inputs: readonly HostPath[]): Host {
  const isInput = (path: HostPath): boolean => inputs.some((input) => path === input || path.startsWith(`${input}/`));
  const reader = (path: HostPath): Host => (isInput(path) ? unguarded : guarded);
  return {
    ...guarded,
    readFile: (path) => reader(path).readFile(path),
    readRange: (path, range) => reader(path).readRange(path, range),
    list: (path) => reader(path).list(path),
  };
}
