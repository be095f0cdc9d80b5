import type { CertificateInventory } from '@kube-rescue/cert-rotation';
import { fieldsAt, listAt, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { readKubeconfigClient } from '@kube-rescue/node-config';
import { findDataDirectory } from '../etcd/data-directory.ts';
import type { NodeDescription } from '../node-description.ts';
import { servingCertificate } from '../node-identity.ts';
import type { Node } from '../node.ts';
import type { ClockEvidence, TimeMark, TimeSource } from './time-source.ts';

/** Before Kubernetes: dates of reproducible builds, and of clocks that were never set. */
const FIRST_DATE = new Date('2014-01-01T00:00:00Z');
/** The entries of one directory that are looked at: names with a date or a number sort the newest last. */
const MOST_ENTRIES = 100;
const MOST_MARKS = 8;
const ANSWER_TIMEOUT_MS = 700;
/** systemd-timesyncd creates it when it has set the clock (systemd-timesyncd.service(8)). */
const TIMESYNC_MARK = hostPath('/run/systemd/timesync/synchronized');
const RTC = hostPath('/sys/class/rtc/rtc0/since_epoch');
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases?limit=50';
/** Written all the time, or when the system was built or updated: not later than the present. */
const DIRECTORIES = ['/var/log', '/var/log/pods', '/var/lib/kubelet', '/var/lib/kube-rescue/runs'];
const JOURNAL = hostPath('/var/log/journal');
const SYSTEM_FILES = [
  '/usr/lib/clock-epoch',
  '/usr/lib/os-release',
  '/var/lib/dpkg/status',
  '/var/lib/rpm',
  '/usr/bin/kubelet',
];
/** Daemons that keep the time touch these. */
const TIME_FILES = ['/var/lib/systemd/timesync/clock', '/var/lib/chrony/drift', '/var/lib/ntp/drift'];

/**
 * Reads every source of time that needs no other machine's good will: files, certificates, leases, the real-time clock, the API
 * endpoint when another machine serves it. On a copy of files: the files and certificates only.
 *
 * A source that cannot be read is left out. The sources prove nothing alone: see `judgeClock`.
 */
export async function readClockEvidence(
  node: Node,
  inventory: CertificateInventory,
  signal: AbortSignal,
): Promise<ClockEvidence> {
  const description = await node.describe();
  const { host } = node;
  const etcd = findDataDirectory(description);
  const directories = [
    ...DIRECTORIES.map((path) => hostPath(path)),
    ...((await attempt(() => host.list(JOURNAL))) ?? []).map((name) => joinPath(JOURNAL, name)),
    ...[joinPath(etcd, 'member/wal'), joinPath(etcd, 'member/snap'), description.options.kubernetesDirectory],
  ];
  const isLive = host.kind === 'live';
  const [files, system, live] = await Promise.all([
    Promise.all(directories.map((path) => readDirectory(path, host))),
    readFiles(
      'files of the system',
      [...SYSTEM_FILES, ...TIME_FILES].map((path) => hostPath(path)),
      host,
    ),
    isLive ? Promise.all([readRtc(host), readLeases(node, signal), readPeer(description, node, signal)]) : [],
  ]);
  const isSynchronized = isLive && (await host.stat(TIMESYNC_MARK)) !== undefined;
  const sources = [...live, ...files, system, listCertificates(inventory)].map((source) => ({
    ...source,
    marks: newestOf(source.marks),
  }));
  return { isSynchronized, sources: sources.filter(({ marks }) => marks.length > 0) };
}

function newestOf(marks: readonly TimeMark[]): readonly TimeMark[] {
  return marks
    .filter(({ at }) => at >= FIRST_DATE)
    .toSorted((a, b) => b.at.getTime() - a.at.getTime())
    .slice(0, MOST_MARKS);
}

/** What cannot be read is no evidence. */
async function attempt<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

async function readFiles(name: string, paths: readonly HostPath[], host: Host): Promise<TimeSource> {
  const stats = await Promise.all(paths.map((path) => attempt(() => host.stat(path))));
  const marks = paths.flatMap((of, at) => {
    const modifiedAt = stats[at]?.modifiedAt;
    return modifiedAt === undefined ? [] : [{ of, at: modifiedAt }];
  });
  return { kind: 'files', name, marks };
}

async function readDirectory(path: HostPath, host: Host): Promise<TimeSource> {
  const names = (await attempt(() => host.list(path))) ?? [];
  return readFiles(
    path,
    names.slice(-MOST_ENTRIES).map((name) => joinPath(path, name)),
    host,
  );
}

function listCertificates({ certificates }: CertificateInventory): TimeSource {
  const marks = certificates.flatMap(({ certificate, certificateLocation }) =>
    certificate.ok ? [{ at: certificate.value.notBefore, of: certificateLocation.path }] : [],
  );
  return { kind: 'certificates', name: 'begin of the certificates', marks };
}

async function readRtc(host: Host): Promise<TimeSource> {
  const bytes = await attempt(() => host.readFile(RTC));
  const seconds = bytes === undefined ? Number.NaN : Number.parseInt(new TextDecoder().decode(bytes), 10);
  const marks = Number.isNaN(seconds) ? [] : [{ at: new Date(seconds * 1000), of: RTC }];
  return { kind: 'rtc', name: 'real-time clock', marks };
}

/** Each kubelet renews its lease by its own clock. */
async function readLeases({ api }: Node, signal: AbortSignal): Promise<TimeSource> {
  const reading = await api.read(LEASES, signal, ANSWER_TIMEOUT_MS);
  const items = reading.state === 'answered' ? listAt(reading.object, 'items') : [];
  const marks = items.flatMap((lease) => {
    const at = new Date(textAt(fieldsAt(lease, 'spec'), 'renewTime') ?? Number.NaN);
    if (Number.isNaN(at.getTime())) return [];
    return [{ at, of: `lease of ${textAt(fieldsAt(lease, 'metadata'), 'name') ?? 'a node'}` }];
  });
  return { kind: 'leases', name: 'leases of the nodes', marks };
}

/** The API endpoint of the cluster, when another machine serves it: it presents another certificate than this node's. */
async function readPeer(description: NodeDescription, node: Node, signal: AbortSignal): Promise<TimeSource> {
  const { host } = node;
  const url = await attempt(async () => (await readKubeconfigClient(description.adminKubeconfig, { host })).server);
  const own = await servingCertificate('apiserver', description, node);
  const none: TimeSource = { kind: 'peer', name: url ?? '', marks: [] };
  if (url === undefined || own === undefined) return none;
  const answer = await attempt(() => host.request({ url: `${url}/version`, timeoutMs: ANSWER_TIMEOUT_MS, signal }));
  if (answer?.date === undefined || answer.peer === undefined) return none;
  return answer.peer.fingerprint256 === own.fingerprint256 ? none : { ...none, marks: [{ at: answer.date, of: url }] };
}
