import type { Component } from '@kube-rescue/node-config';
import type { Finding } from '../cause.ts';
import { cutLine, describeExcerpt, type LogExcerpt } from './log-excerpt.ts';

/** A program that does not run, and how it is started. */
export interface FailedProgram {
  readonly component: Component;
  /** In a sentence, for example `the kubelet`. */
  readonly name: string;
  /** The manifest or unit file. */
  readonly source: string;
  readonly flags: ReadonlyMap<string, string>;
}

export interface FailureReason {
  readonly reason: Finding;
  /** Whether it still applies, by the flags; `undefined` when only the time can say. */
  readonly holds: boolean | undefined;
  /** The port that another process has taken. */
  readonly port?: number | undefined;
}

interface Known {
  readonly code: string;
  /** The named groups are for `summary`, `hint` and `holds`. */
  readonly pattern: RegExp;
  /** Default: every component. */
  readonly component?: Component;
  readonly summary: (name: string, found: Found) => string;
  readonly hint: (source: string, found: Found) => string;
  readonly holds?: (flags: ReadonlyMap<string, string>, found: Found) => boolean | undefined;
}
type Found = Readonly<Record<string, string | undefined>>;

/** What to do about a full disk. */
export const FREE_SPACE =
  'free space (`df -h`, and `df -i` for inodes): old logs, journals (`journalctl --vacuum-size=200M`) and unused images (`crictl rmi --prune`)';

/**
 * The reasons other than certificates, in the words of the programs. Sources: pflag (`flag.go`) and Go's `flag`; component-base
 * (`featuregate/feature_gate.go`); the kernel's ENOSPC and EADDRINUSE; etcd (`api/v3rpc/rpctypes/error.go`,
 * `server/etcdserver/version/downgrade.go`, `server/etcdserver/bootstrap.go`, `server/storage/wal/walpb/record.go`) and bbolt
 * (`errors/errors.go`, `internal/freelist`); kubelet (`cmd/kubelet/app/server.go`, cri-client's `remote_runtime.go`).
 */
const KNOWN: readonly Known[] = [
  {
    code: 'FLAG_UNKNOWN',
    pattern: /unknown flag: --(?<flag>[\w.-]+)|flag provided but not defined: -(?<go>[\w.-]+)/,
    summary: (name, { flag, go }) => `${name} does not start: this version has no flag --${flag ?? go}`,
    hint: (source, { flag, go }) =>
      `remove --${flag ?? go} where it is set: in ${source}, or in a file that it reads; the release notes of this version name its replacement`,
    holds: (flags, { flag, go }) => flags.has((flag ?? go ?? '').replaceAll('_', '-')),
  },
  {
    code: 'FEATURE_GATE_UNKNOWN',
    pattern: /unrecognized feature gate: (?<gate>\w+)/,
    summary: (name, { gate }) => `${name} does not start: this version has no feature gate ${gate}`,
    hint: (source, { gate }) =>
      `remove ${gate} from --feature-gates in ${source}, or from featureGates in the configuration file: a gate is removed some releases after it is locked on`,
    holds: (flags, { gate }) => ((flags.get('feature-gates') ?? '').includes(gate ?? '') ? true : undefined),
  },
  {
    code: 'PORT_IN_USE',
    pattern: /listen (?:tcp|udp)\d? (?<address>\S+): bind: address already in use/,
    summary: (name, { address }) => `${name} does not start: another process listens on ${address}`,
    hint: (_, { address = '' }) => {
      return `find the process with \`ss -ltnp 'sport = :${portOf(address)}'\` and stop it: often an old container of the same component, or a load balancer on this machine`;
    },
  },
  {
    code: 'DISK_FULL',
    pattern: /no space left on device/,
    summary: (name) => `${name} does not start: no space is left on a disk`,
    hint: () => FREE_SPACE,
  },
  {
    code: 'ETCD_NO_SPACE',
    pattern: /mvcc: database space exceeded/,
    summary: (name) => `${name} fails: etcd refuses writes, because its database has reached its quota`,
    hint: () =>
      'compact and defragment etcd, then `etcdctl alarm disarm`; `kube-rescue etcd probe` prints the etcdctl line that works here',
  },
  {
    code: 'ETCD_DATA_NEWER',
    component: 'etcd',
    pattern:
      /invalid downgrade; server version is lower than determined cluster version|cluster cannot be downgraded \(current version/,
    summary: () => 'etcd does not start: its data was written by a newer version of etcd',
    hint: (source) =>
      `put the image of the newer version back into ${source}; an older version needs \`etcdctl downgrade\` first, or a snapshot from before the upgrade`,
  },
  {
    code: 'ETCD_DATA_DAMAGED',
    component: 'etcd',
    pattern:
      /failed to recover v3 backend from snapshot|failed to recover from snapshot|failed to (?:read|repair) WAL|walpb: crc mismatch|failed to open database.{0,600}(?:invalid database|checksum error|version mismatch|file size too small)|invalid meta pages|invalid page type: |freepages: failed to get all reachable pages|page \d+ already freed|assertion failed: Page expected to be/,
    summary: () => 'etcd does not start: its data on disk is damaged',
    hint: () =>
      'copy the data directory away before anything else; with other members: remove this member and add it again, empty; alone: restore a snapshot with `kube-rescue etcd restore --from FILE`',
  },
  {
    code: 'CONTAINER_RUNTIME_REFUSED',
    component: 'kubelet',
    pattern: /(?:CRI v1 (?:runtime|image) API.*code = Unimplemented|unknown service runtime\.v1\.\w+)/,
    summary: () => 'the kubelet does not start: the container runtime has no CRI v1',
    hint: () =>
      "update the runtime (containerd 1.6, CRI-O 1.20 or newer); with containerd, remove cri from disabled_plugins in /etc/containerd/config.toml and restart it: Docker's package disables it",
  },
  {
    code: 'CONTAINER_RUNTIME_MISSING',
    component: 'kubelet',
    pattern: /CRI v1 (?:runtime|image) API.*code = (?:Unavailable|DeadlineExceeded)/,
    summary: () => 'the kubelet does not start: the container runtime does not answer',
    hint: () => 'start the runtime: `systemctl start containerd` (or crio), and see its log when it does not stay up',
  },
  {
    code: 'KUBELET_CONFIGURATION_REFUSED',
    component: 'kubelet',
    pattern:
      /failed to (?:load kubelet config file|merge kubelet configs|validate kubelet (?:configuration|flags)|initialize logging)[^"]*/,
    summary: () => 'the kubelet does not start: it refuses its configuration',
    hint: (source) =>
      `correct what the message names: in the file of --config, in its drop-ins, or in the flags of ${source}`,
  },
];

/**
 * The last known reason in the log of a program that ended; `undefined` when its lines name none. Certificates are not among the
 * reasons: their files are judged, not their logs. Pure.
 */
export function findReason(program: FailedProgram, excerpt: LogExcerpt): FailureReason | undefined {
  for (const line of excerpt.lines.toReversed()) {
    for (const { code, pattern, component, summary, hint, holds } of KNOWN) {
      const match = component === undefined || component === program.component ? pattern.exec(line) : null;
      if (match === null) continue;
      const found: Found = match.groups ?? {};
      const evidence = [`${describeExcerpt(excerpt)}: ${cutLine(line, match.index)}`];
      return {
        reason: { code, summary: summary(program.name, found), evidence, hint: hint(program.source, found) },
        holds: holds?.(program.flags, found),
        port: found.address === undefined ? undefined : portOf(found.address),
      };
    }
  }
  return undefined;
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
