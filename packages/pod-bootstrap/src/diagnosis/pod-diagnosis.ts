import { printable, redact } from '@kube-rescue/errors';
import type { PodErrorCode } from '../errors.ts';
import type { NodeState } from '../pods/node-state.ts';
import { isAlive, type Pod } from '../pods/pod.ts';

/** Why a pod does not work. */
export interface Diagnosis {
  readonly code: PodErrorCode;
  /** One sentence in lower case without a period, about the pod: `waits for service routes: ...`. */
  readonly reason: string;
  /** What to do next, and by what. */
  readonly hint: string;
  /** Safe to print, a line each: container states, events, the end of the log. */
  readonly evidence: readonly string[];
  /** It will not get better by waiting. */
  readonly isFinal: boolean;
}

/** What can be seen of a pod. */
export interface PodObservations {
  readonly pod: Pod;
  /** `undefined` when no such node is registered. */
  readonly node: NodeState | undefined;
  /** Reason and message of what was told about it, newest last. */
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  /** The last lines that its containers wrote. */
  readonly log: readonly string[];
  /** `ADDRESS:PORT` under which pods find the API server: the Service `default/kubernetes`. */
  readonly apiService: string | undefined;
  /** Why a pod that is Ready does not count as working: who holds the lock, what its DNS answers. */
  readonly idleness?: string | undefined;
}

interface Sign {
  readonly code: PodErrorCode;
  readonly pattern: RegExp;
  readonly reason: (found: RegExpExecArray, symptoms: PodObservations) => string;
  readonly hint: string;
  readonly isFinal?: boolean;
}

const PROXY_HINT =
  'kube-proxy lays the routes to Services: see that its pod runs on this node (kube-rescue pods list) and reaches the API server by its kubeconfig';

/** What a container writes that cannot do its work; the last line that says any of it counts. */
const LOG_SIGNS: readonly Sign[] = [
  {
    code: 'POD_CA_OUTDATED',
    pattern: /x509: certificate (?:signed by unknown authority|has expired or is not yet valid)/,
    reason: ([found]) => `trusts a CA that is not the API server's any more: ${found}`,
    hint: "its service account's token Secret hands out an old ca.crt: let kube-controller-manager with the new CA renew it (kube-rescue pods rescue), or kube-rescue recover change it; then start the pod anew",
  },
  {
    code: 'POD_TOKEN_REFUSED',
    pattern: /\b(?:Unauthorized|invalid bearer token|the server has asked for the client to provide credentials)\b/,
    reason: () => "is not recognised by the API server: its service account's token is refused",
    hint: 'the API server verifies tokens by --service-account-key-file: it must belong to the key that kube-controller-manager signs with',
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
    reason: () => 'cannot listen on its port: another process of the node does',
    hint: 'find out who listens there (ss -tlnp) and stop it',
  },
];

const NETWORK_HINT =
  'the network plugin lacks a file that it needs before it can run: kube-rescue cni check, cni bootstrap';

/** What a kubelet tells of a pod that it cannot start. */
const EVENT_SIGNS: readonly Sign[] = [
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
    hint: 'create what is missing, or bring it back from an etcd snapshot',
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
    hint: 'see what the events say of it',
  },
];

/**
 * Says why a pod does not work, from what its kubelet, its events and its log say. Pure.
 *
 * The end of a log may speak of what is over: a diagnosis is asked for only while the pod does not do its work.
 */
export function diagnosePod(symptoms: PodObservations): Diagnosis {
  const { pod, node, events, log } = symptoms;
  const states = pod.containers.flatMap(describeContainer);
  const told = events.slice(-MOST_EVENTS).map(({ reason, message }) => `event ${reason}: ${message}`);
  const evidence = [...states, ...told, ...log.slice(-MOST_LINES).map((line) => `log: ${line}`)].map(clean);
  const answer = (diagnosis: Omit<Diagnosis, 'evidence' | 'isFinal'> & { readonly isFinal?: boolean }): Diagnosis => ({
    isFinal: false,
    ...diagnosis,
    reason: clean(diagnosis.reason),
    evidence,
  });
  if (!isAlive(pod)) return answer(refusal(pod));
  if (node === undefined || !node.isHeartbeatFresh) return answer(lostNode(pod, node));
  const waiting = pod.containers.flatMap(({ waiting: each }) => (each ? [`${each.reason}: ${each.message}`] : []));
  const runs = pod.containers.some(({ runningSince }) => runningSince !== undefined);
  const ofLog = findSign(LOG_SIGNS, log, symptoms);
  const ofEvents = findSign(
    EVENT_SIGNS,
    [...events.map((each) => `${each.reason}: ${each.message}`), ...waiting],
    symptoms,
  );
  const sign = runs || log.length > 0 ? (ofLog ?? ofEvents) : ofEvents;
  if (sign !== undefined) return answer(sign);
  if (pod.startedAt === undefined && pod.containers.length === 0) {
    return answer({
      code: 'POD_NOT_STARTED',
      reason: `was not taken yet by the kubelet of ${pod.node ?? 'any node'}`,
      hint: 'read the log of the kubelet (journalctl -u kubelet); one that has lost the API server starts no pods',
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
      reason: `ends again and again: container ${crashed.name}${code === undefined ? '' : ` with exit code ${code}`}`,
      hint: 'the last lines of its log say why',
    });
  }
  if (pod.isReady) {
    return answer({
      code: 'POD_NOT_WORKING',
      reason: `is Ready and does not do its work yet: ${symptoms.idleness ?? 'no effect of it was seen'}`,
      hint: 'the end of its log says what it is doing',
    });
  }
  return answer({
    code: 'POD_NOT_READY',
    reason: runs ? 'runs, but is not Ready' : 'is being started',
    hint: 'its events, container states and log say how far it is',
  });
}

const MOST_EVENTS = 3;
const MOST_LINES = 5;

function findSign(
  signs: readonly Sign[],
  lines: readonly string[],
  symptoms: PodObservations,
): Omit<Diagnosis, 'evidence' | 'isFinal'> | undefined {
  for (const line of lines.toReversed()) {
    for (const { code, pattern, reason, hint } of signs) {
      const found = pattern.exec(line);
      if (found !== null) return refine({ code, reason: reason(found, symptoms), hint }, found, symptoms);
    }
  }
  return undefined;
}

/** Only the Service's own address needs kube-proxy. */
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
    hint: 'see that the address is right and somebody answers there (kube-rescue triage)',
  };
}

function refusal({ reason, message, phase, node }: Pod): Omit<Diagnosis, 'evidence'> {
  const why = [reason, message].filter((each) => each !== undefined && each !== '').join(': ');
  return {
    code: 'POD_REJECTED',
    reason: `was refused or ended by the kubelet of ${node ?? 'its node'}: ${why === '' ? phase : why}`,
    hint: 'remove what is in its way there (ports, resources, taints of NoExecute), or choose another node',
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
            ? 'has no node: nothing schedules it'
            : `is bound to ${name}, and no such node is registered`,
        hint:
          pod.node === undefined
            ? 'bring a scheduler back: kube-rescue pods rescue'
            : 'start the kubelet of that node, or choose another',
      }
    : {
        code: 'POD_NODE_DEAD',
        reason: `is bound to ${name}, whose kubelet has not been heard${since}`,
        hint: 'bring the node back (kube-rescue nodes join), or choose another; kubectl delete pod --force forgets the pod',
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
        ? `runs since ${runningSince.toISOString()}${ready ? '' : ', not ready'}`
        : terminated !== undefined
          ? `ended: ${terminated.reason}`
          : 'has no state yet';
  return [`container ${name} ${state}${restarts > 0 ? `, ${restarts} restart(s)` : ''}`];
}

function clean(text: string): string {
  return printable(redact(text)).slice(0, LONGEST_TEXT);
}

const LONGEST_TEXT = 400;
