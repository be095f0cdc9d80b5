import { printable, redact } from '@kube-rescue/errors';
import type { PodErrorCode } from '../errors.ts';
import type { NodeState } from '../pods/node-state.ts';
import { isActive, type Pod } from '../pods/pod.ts';

/** Why a pod does not work. */
export interface Diagnosis {
  readonly code: PodErrorCode;
  /** One sentence in lower case without a period, about the pod: `waits for service routes: ...`. */
  readonly reason: string;
  /** The next step, with the command. */
  readonly hint: string;
  /** Safe to print, a line each: container states, events, the end of the log. */
  readonly evidence: readonly string[];
  /** Waiting does not help. */
  readonly isFinal: boolean;
}

/** Observations of a pod. */
export interface PodObservations {
  readonly pod: Pod;
  /** `undefined` when no such node is registered. */
  readonly node: NodeState | undefined;
  /** Reason and message of its events, newest last. */
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  /** The last log lines of its containers. */
  readonly log: readonly string[];
  /** `ADDRESS:PORT` of the Service `default/kubernetes`. */
  readonly apiService: string | undefined;
  /** Why a Ready pod does not count as working: the holder of the lock, its DNS answer. */
  readonly notWorkingReason?: string | undefined;
}

interface Pattern {
  readonly code: PodErrorCode;
  readonly pattern: RegExp;
  readonly reason: (found: RegExpExecArray, observations: PodObservations) => string;
  readonly hint: string;
  readonly isFinal?: boolean;
}

const PROXY_HINT =
  'kube-proxy sets up the routes to Services: check that its pod runs on this node (`kube-rescue pods list`) and reaches the API server with its kubeconfig';

/** Log lines of a container that cannot do its work; the last match counts. */
const LOG_PATTERNS: readonly Pattern[] = [
  {
    code: 'POD_CA_OUTDATED',
    pattern: /x509: certificate (?:signed by unknown authority|has expired or is not yet valid)/,
    reason: ([found]) => `does not trust the CA of the API server: ${found}`,
    hint: 'kube-root-ca.crt of its namespace, or a token Secret that it mounts, has an old ca.crt: run kube-controller-manager with the new CA (`kube-rescue pods rescue`) or `kube-rescue recover` to update it; then restart the pod',
  },
  {
    code: 'POD_TOKEN_REFUSED',
    pattern: /\b(?:Unauthorized|invalid bearer token|the server has asked for the client to provide credentials)\b/,
    reason: () => 'the API server rejects its service account token',
    hint: 'the --service-account-key-file of the API server must hold the public half of its --service-account-signing-key-file and of the --service-account-private-key-file of kube-controller-manager (`kube-rescue certs rotate-sa` shows the keys); an external signer (--service-account-signing-endpoint) lists its own keys',
  },
  {
    code: 'POD_SERVICE_ROUTES_MISSING',
    pattern:
      /(?:dial (?:tcp|udp)|Get "?https?:\/\/)\s*(\S+?):(\d+)\b.*?(i\/o timeout|no route to host|connection refused|network is unreachable|context deadline exceeded|TLS handshake timeout)/,
    reason: ([, address, port, fault], { apiService }) =>
      `${address}:${port}` === apiService
        ? `waits for service routes (kube-proxy): the API server's Service address ${apiService} gives ${fault}`
        : `does not reach ${address}:${port}: ${fault}`,
    hint: PROXY_HINT,
  },
  {
    code: 'POD_PORT_TAKEN',
    pattern: /bind: address already in use/,
    reason: () => 'cannot listen on its port: another process on the node uses it',
    hint: 'find the process that listens there (ss -tlnp) and stop it',
  },
];

const NETWORK_HINT =
  'the network plugin lacks a file that it needs to start: `kube-rescue cni check`, `kube-rescue cni bootstrap`';

/** Events of a pod that its kubelet cannot start. */
const EVENT_PATTERNS: readonly Pattern[] = [
  {
    code: 'POD_NETWORK_NOT_READY',
    pattern:
      /subnet\.env|NetworkPluginNotReady|network is not ready|cni (?:config uninitialized|plugin not initialized)|failed to (?:set ?up|setup) (?:sandbox|pod).*network/is,
    reason: ([found]) => `waits for the network of its node: ${found}`,
    hint: NETWORK_HINT,
  },
  {
    code: 'POD_VOLUME_MISSING',
    pattern:
      /(?:secret|configmap|persistentvolumeclaim) "[^"]+" not found|references non-existent (?:secret|config) key: \S+/i,
    reason: ([found]) => `cannot mount a volume: ${found}`,
    hint: 'create the missing object, or restore it from an etcd snapshot',
  },
  {
    code: 'POD_IMAGE_UNAVAILABLE',
    pattern: /ErrImageNeverPull|ImagePullBackOff|ErrImagePull|InvalidImageName|Failed to pull image "[^"]+"/,
    reason: ([found]) => `has no image: ${found}`,
    hint: 'import the image into the container runtime of the node (ctr -n k8s.io images import), or make its registry reachable',
  },
  {
    code: 'POD_VOLUME_MISSING',
    pattern: /FailedMount|MountVolume\.\S+ failed/,
    reason: () => 'cannot mount a volume',
    hint: 'check the events of the pod',
  },
];

/**
 * Diagnoses a pod that does not work, from its status, its events and its log. Pure.
 *
 * The end of a log may describe a past problem: call this only while the pod does not do its work.
 */
export function diagnosePod(observations: PodObservations): Diagnosis {
  const { pod, node, events, log } = observations;
  const states = pod.containers.flatMap(describeContainer);
  const recent = events.slice(-MOST_EVENTS).map(({ reason, message }) => `event ${reason}: ${message}`);
  const evidence = [...states, ...recent, ...log.slice(-MOST_LINES).map((line) => `log: ${line}`)].map(clean);
  const answer = (diagnosis: Omit<Diagnosis, 'evidence' | 'isFinal'> & { readonly isFinal?: boolean }): Diagnosis => ({
    isFinal: false,
    ...diagnosis,
    reason: clean(diagnosis.reason),
    evidence,
  });
  if (!isActive(pod)) return answer(refusal(pod));
  if (node === undefined || !node.isHeartbeatFresh) return answer(lostNode(pod, node));
  const waiting = pod.containers.flatMap(({ waiting: each }) => (each ? [`${each.reason}: ${each.message}`] : []));
  const runs = pod.containers.some(({ runningSince }) => runningSince !== undefined);
  const ofLog = findPattern(LOG_PATTERNS, log, observations);
  const ofEvents = findPattern(
    EVENT_PATTERNS,
    [...events.map((each) => `${each.reason}: ${each.message}`), ...waiting],
    observations,
  );
  const match = runs || log.length > 0 ? (ofLog ?? ofEvents) : ofEvents;
  if (match !== undefined) return answer(match);
  if (pod.startedAt === undefined && pod.containers.length === 0) {
    return answer({
      code: 'POD_NOT_STARTED',
      reason: `is not yet accepted by the kubelet of ${pod.node ?? 'any node'}`,
      hint: 'check the kubelet log (journalctl -u kubelet); a kubelet without the API server starts no pods',
    });
  }
  if (!node.isReady && !pod.hostNetwork && /network|cni/i.test(node.message ?? '')) {
    return answer({
      code: 'POD_NETWORK_NOT_READY',
      reason: `waits for the network of its node: ${node.message ?? ''}`,
      hint: NETWORK_HINT,
    });
  }
  const crashed = pod.containers.find(
    ({ restarts, terminated, runningSince }) => runningSince === undefined && (restarts > 0 || terminated),
  );
  if (crashed !== undefined) {
    const code = crashed.terminated?.exitCode;
    return answer({
      code: 'POD_CRASHING',
      reason: `crashes repeatedly: container ${crashed.name}${code === undefined ? '' : ` with exit code ${code}`}`,
      hint: 'check the last lines of its log',
    });
  }
  if (pod.isReady) {
    return answer({
      code: 'POD_NOT_WORKING',
      reason: `is Ready, but does not do its work yet: ${observations.notWorkingReason ?? 'no effect was observed'}`,
      hint: 'check the end of its log',
    });
  }
  return answer({
    code: 'POD_NOT_READY',
    reason: runs ? 'runs, but is not Ready' : 'is starting',
    hint: 'check its events, container states and log',
  });
}

const MOST_EVENTS = 3;
const MOST_LINES = 5;

function findPattern(
  patterns: readonly Pattern[],
  lines: readonly string[],
  observations: PodObservations,
): Omit<Diagnosis, 'evidence' | 'isFinal'> | undefined {
  for (const line of lines.toReversed()) {
    for (const { code, pattern, reason, hint } of patterns) {
      const found = pattern.exec(line);
      if (found !== null) return refine({ code, reason: reason(found, observations), hint }, found, observations);
    }
  }
  return undefined;
}

/** Only the Service address needs kube-proxy. */
function refine(
  diagnosis: Omit<Diagnosis, 'evidence' | 'isFinal'>,
  [, address, port]: RegExpExecArray,
  { apiService }: PodObservations,
): Omit<Diagnosis, 'evidence' | 'isFinal'> {
  if (diagnosis.code !== 'POD_SERVICE_ROUTES_MISSING' || apiService === undefined) return diagnosis;
  if (`${address}:${port}` === apiService) return diagnosis;
  return {
    ...diagnosis,
    code: 'POD_API_UNREACHABLE',
    hint: 'check that the address is right and the API server answers there (`kube-rescue triage`)',
  };
}

function refusal({ reason, message, phase, node }: Pod): Omit<Diagnosis, 'evidence'> {
  const why = [reason, message].filter((each) => each !== undefined && each !== '').join(': ');
  return {
    code: 'POD_REJECTED',
    reason: `was rejected or evicted by the kubelet of ${node ?? 'its node'}: ${why === '' ? phase : why}`,
    hint: 'resolve the conflict on the node (ports, resources, NoExecute taints), or choose another node',
    isFinal: true,
  };
}

function lostNode(pod: Pod, node: NodeState | undefined): Omit<Diagnosis, 'evidence' | 'isFinal'> {
  const name = pod.node ?? 'no node';
  const since = node?.lastHeartbeat === undefined ? '' : ` since ${node.lastHeartbeat.toISOString()}`;
  return node === undefined
    ? {
        code: 'POD_NODE_NOT_FOUND',
        reason:
          pod.node === undefined
            ? 'has no node: no scheduler has bound it'
            : `is bound to ${name}, which is not registered`,
        hint:
          pod.node === undefined
            ? 'run a scheduler: `kube-rescue pods rescue`'
            : 'start the kubelet of that node, or choose another',
      }
    : {
        code: 'POD_NODE_NOT_REPORTING',
        reason: `is bound to ${name}, whose kubelet has not reported${since}`,
        hint: 'rejoin the node (`kube-rescue nodes join`), or choose another; `kubectl delete pod --force` removes the pod object',
      };
}

function describeContainer({
  name,
  restarts,
  waiting,
  terminated,
  runningSince,
  ready,
}: Pod['containers'][number]): readonly string[] {
  const state =
    waiting !== undefined
      ? `waits: ${[waiting.reason, waiting.message].filter((each) => each !== '').join(': ')}`
      : runningSince !== undefined
        ? `running since ${runningSince.toISOString()}${ready ? '' : ', not ready'}`
        : terminated !== undefined
          ? `ended: ${terminated.reason}`
          : 'has no state yet';
  return [`container ${name} ${state}${restarts > 0 ? `, ${restarts} restart(s)` : ''}`];
}

function clean(text: string): string {
  return printable(redact(text)).slice(0, LONGEST_TEXT);
}

const LONGEST_TEXT = 400;
