/** A JSON value of a configuration of the kubelet, with the numbers that YAML reads. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

type Kind =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'long'
  | 'number'
  | 'duration'
  | 'strings'
  | 'list'
  | 'map'
  | 'texts'
  | 'switches';

const FIELDS: Readonly<Record<Kind, string>> = {
  string: `kind apiVersion staticPodPath podLogsDir staticPodURL address tlsCertFile tlsPrivateKeyFile tlsMinVersion
    imagePullCredentialsVerificationPolicy healthzBindAddress clusterDomain kubeletCgroups systemCgroups cgroupRoot cgroupDriver
    cpuManagerPolicy memoryManagerPolicy topologyManagerPolicy topologyManagerScope hairpinMode podCIDR resolvConf contentType
    containerLogMaxSize configMapAndSecretChangeDetectionStrategy reservedSystemCPUs showHiddenMetricsForVersion systemReservedCgroup
    kubeReservedCgroup volumePluginDir providerID memoryReservationPolicy containerRuntimeEndpoint imageServiceEndpoint`,
  boolean: `enableServer rotateCertificates serverTLSBootstrap enableDebuggingHandlers enableContentionProfiling cgroupsPerQOS
    singleProcessOOMKill runOnce cpuCFSQuota serializeImagePulls mergeDefaultEvictionSettings enableControllerAttachDetach
    protectKernelDefaults makeIPTablesUtilChains failSwapOn kernelMemcgNotification enableSystemLogHandler enableSystemLogQuery
    enableProfilingHandler enableDebugFlagsHandler seccompDefault registerNode localStorageCapacityIsolation failCgroupV1`,
  integer: `port readOnlyPort registryPullQPS registryBurst eventRecordQPS eventBurst healthzPort oomScoreAdj
    nodeLeaseDurationSeconds imageGCHighThresholdPercent imageGCLowThresholdPercent maxPods nodeStatusMaxImages
    kubeAPIQPS kubeAPIBurst maxParallelImagePulls evictionMaxPodGracePeriod podsPerCore iptablesMasqueradeBit
    iptablesDropBit containerLogMaxFiles containerLogMaxWorkers`,
  long: 'podPidsLimit maxOpenFiles',
  number: 'memoryThrottlingFactor',
  duration: `syncFrequency fileCheckFrequency httpCheckFrequency streamingConnectionIdleTimeout nodeStatusUpdateFrequency
    nodeStatusReportFrequency imageMinimumGCAge imageMaximumGCAge volumeStatsAggPeriod cpuManagerReconcilePeriod
    runtimeRequestTimeout cpuCFSQuotaPeriod evictionPressureTransitionPeriod containerLogMonitorInterval shutdownGracePeriod
    shutdownGracePeriodCriticalPods`,
  strings:
    'tlsCipherSuites clusterDNS enforceNodeAllocatable allowedUnsafeSysctls preloadedImagesVerificationAllowlist',
  list: 'tlsCurvePreferences shutdownGracePeriodByPodPriority reservedMemory registerWithTaints',
  map: 'authentication authorization staticPodURLHeader memorySwap logging crashLoopBackOff tracing userNamespaces',
  texts: `cpuManagerPolicyOptions topologyManagerPolicyOptions qosReserved evictionHard evictionSoft evictionSoftGracePeriod
    evictionMinimumReclaim systemReserved kubeReserved defaultPodSysctls`,
  switches: 'featureGates',
};

/** Go's time.ParseDuration. */
const DURATION = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

const WANTED: Readonly<Record<Kind, readonly [words: string, accepts: (value: Json) => boolean]>> = {
  string: ['a string', isText],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  integer: ['a whole number of 32 bits', isInt32],
  long: ['a whole number', (value) => Number.isInteger(value)],
  number: ['a number', (value) => typeof value === 'number'],
  duration: ['a duration such as 10s', (value) => typeof value === 'string' && DURATION.test(value)],
  strings: ['a list of strings', (value) => isList(value) && value.every((each) => each === null || isText(each))],
  list: ['a list', isList],
  map: ['a map', isObject],
  texts: [
    'a map of strings',
    (value) => isObject(value) && Object.values(value).every((each) => each === null || isText(each)),
  ],
  switches: [
    'a map of true and false',
    (value) => isObject(value) && Object.values(value).every((each) => each === null || typeof each === 'boolean'),
  ],
};

const KINDS: ReadonlyMap<string, Kind> = new Map(
  (Object.keys(FIELDS) as readonly Kind[]).flatMap((kind) =>
    FIELDS[kind].split(/\s+/).map((name): readonly [string, Kind] => [name, kind]),
  ),
);
const INNER_FIELDS: Readonly<Record<string, Kind>> = {
  'authentication.x509': 'map',
  'authentication.x509.clientCAFile': 'string',
  'authentication.webhook': 'map',
  'authentication.webhook.enabled': 'boolean',
  'authentication.webhook.cacheTTL': 'duration',
  'authentication.anonymous': 'map',
  'authentication.anonymous.enabled': 'boolean',
  'authorization.mode': 'string',
  'authorization.webhook': 'map',
};
/** Durations that are pointers: a null leaves them at nil. A null of any other duration is parsed, and refused. */
const POINTERS: readonly string[] = ['cpuCFSQuotaPeriod', 'containerLogMonitorInterval'];

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isInt32(value: Json): boolean {
  return Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31;
}

function isText(value: Json): boolean {
  return typeof value === 'string';
}

/**
 * The fields of `KubeletConfiguration` whose value has another type than the kubelet's: it does not start with such a field. A field
 * of no known name is accepted, as the kubelet accepts it. Reads the first level, and the fields that this package uses.
 *
 * Source: k8s.io/kubelet v0.37.2 `config/v1beta1/types.go`, and the fields that older versions had.
 * @param nameOf the field that Go's decoder takes a name for. Default: the name itself
 */
export function findWrongTypes(
  object: JsonObject,
  nameOf: (name: string) => string = (name) => name,
): readonly string[] {
  return Object.entries(object).flatMap(([name, value]) => {
    const kind = KINDS.get(nameOf(name));
    if (kind === undefined) return [];
    const isAccepted = value === null ? kind !== 'duration' || POINTERS.includes(name) : WANTED[kind][1](value);
    return isAccepted ? findWrongInside(name, value) : [`${name} is not ${WANTED[kind][0]}`];
  });
}

function findWrongInside(path: string, value: Json): readonly string[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const inner = `${path}.${name}`;
    const kind = INNER_FIELDS[inner];
    if (kind === undefined || each === null) return [];
    return WANTED[kind][1](each) ? findWrongInside(inner, each) : [`${inner} is not ${WANTED[kind][0]}`];
  });
}

/** The names of fields in the case of Go's types: a drop-in's names are matched in any case (`encoding/json`). */
export const FIELD_NAMES: ReadonlyMap<string, string> = new Map(
  [...KINDS.keys()].map((name) => [name.toLowerCase(), name]),
);

/** Whether the kubelet's decoder of `--config` knows a field. */
export function isField(name: string): boolean {
  return KINDS.has(name);
}
