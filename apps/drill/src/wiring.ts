import { type Clock, createLocalHost, type Host, hostPath, systemClock } from '@kube-rescue/host';
import type { KubernetesBinariesInput } from '@kube-rescue/lab';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { type Interruption, listenForInterruption, type Streams } from 'kube-rescue/command-line';

/** Where Kubernetes binaries are, or come from. */
export type BinaryLocations = Omit<KubernetesBinariesInput, 'release'>;

/** Variables that curl and Go need on some machines to download anything. */
const DOWNLOAD_VARIABLES = [
  ...[
    'HOME',
    'http_proxy',
    'https_proxy',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'no_proxy',
    'NO_PROXY',
    'all_proxy',
    'ALL_PROXY',
  ],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'CURL_CA_BUNDLE', 'GOPROXY', 'GOPATH', 'GOMODCACHE', 'GOCACHE'],
];

/** The dependencies of a drill: this machine, and the locations of Kubernetes binaries. */
export interface DrillSession extends Streams {
  readonly host: Host;
  readonly clock: Clock;
  readonly interruption: Interruption;
  readonly binaries: BinaryLocations;
}

/** @param interrupted message of an interruption: the state of the lab after it */
export function openDrillSession(streams: Streams, interrupted: string): DrillSession {
  return {
    ...streams,
    binaries: locateBinaries(process.env),
    host: createLocalHost(),
    clock: systemClock,
    interruption: listenForInterruption(streams.reporter, interrupted),
  };
}

/**
 * The locations of Kubernetes binaries: `KUBEBUILDER_ASSETS`, the cache below `XDG_CACHE_HOME`, and releases below
 * `KUBERNETES_RELEASE_URL` and `ETCD_RELEASE_URL`.
 */
export function locateBinaries(env: NodeJS.ProcessEnv): BinaryLocations {
  const given = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
  const assetsDirectory = given(env.KUBEBUILDER_ASSETS);
  const downloads = DOWNLOAD_VARIABLES.map((name) => [name, given(env[name])] as const);
  return {
    assetsDirectory: assetsDirectory === undefined ? undefined : hostPath(resolve(assetsDirectory)),
    cacheDirectory: hostPath(given(env.XDG_CACHE_HOME) ?? resolve(homedir(), '.cache')),
    releaseUrls: { kubernetes: given(env.KUBERNETES_RELEASE_URL), etcd: given(env.ETCD_RELEASE_URL) },
    downloadEnvironment: Object.fromEntries(
      downloads.filter((entry): entry is readonly [string, string] => entry[1] !== undefined),
    ),
  };
}
