import { describeReference, describeUnreadable, type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import {
  BUNDLE_COMMAND,
  BUNDLE_SCRIPT,
  type BundleFile,
  type InspectedNode,
  inspectNodes,
  type JoinFile,
  makeBundleDirectory,
  namesOf,
  renderJoinBundle,
} from '@kube-rescue/node-join';
import {
  type Change,
  describeReplacement,
  type Edit,
  type Finding,
  sha256,
  type Step,
  toErrorFinding,
} from '@kube-rescue/workflow';
import type { NodeDeps } from '@kube-rescue/node';

/** A name of a directory has at most 255 bytes, and the name of a Node 253. */
const LONGEST_PLAIN_NAME = 200;
/** The bundles for workers, beside the runs. */
const BUNDLES_DIRECTORY = hostPath('/var/lib/kube-rescue/bundles');
/** The offset of a bundle's name in a path. */
const BUNDLE_AT = BUNDLES_DIRECTORY.length + 1;

interface BundleFinding extends Finding {
  readonly changes: readonly Change[];
}

/** The workers that do not report: those that get a bundle, and a line for each that is passed over. */
interface Unreachable {
  readonly workers: readonly { readonly node: InspectedNode; readonly bundle: readonly BundleFile[] }[];
  readonly passedOver: readonly string[];
}

/**
 * Writes a bundle for each worker that does not report and is not reached over SSH, for the operator to copy there: its files
 * are credentials. A rollback removes the bundles, not the operator's copies.
 *
 * A worker's own kubelet writes the addresses of its Node: a Node that is unreadable, or whose name or address is unsafe in a
 * script, is passed over with a warning, and the other workers get their bundles.
 */
export function createBundleStep(
  input: {
    /** Names of Nodes that need no bundle: this one, and those that are joined over SSH. */
    readonly except: readonly string[];
    readonly files: readonly JoinFile[];
    readonly kubeletService: string;
  },
  access: ObjectAccess,
  { host, clock }: NodeDeps,
): Step<BundleFinding> {
  const { except, files, kubeletService } = input;
  const digest = sha256(Buffer.concat(files.map(({ content }) => content))).slice(0, 8);
  const directoryOf = (name: string): HostPath => {
    const isLong = name.length > LONGEST_PLAIN_NAME;
    const plain = isLong ? `${name.slice(0, LONGEST_PLAIN_NAME)}-${sha256(Buffer.from(name)).slice(0, 8)}` : name;
    return joinPath(BUNDLES_DIRECTORY, `${plain}-${digest}`);
  };
  const findUnreachable = async (signal: AbortSignal): Promise<Unreachable> => {
    const store = await access.open(signal);
    const passedOver: string[] = [];
    const known = except.map((name) => describeReference({ kind: RESOURCE_KINDS.Node, name }));
    const onUnreadable = (failure: Error): void => {
      const isKnown = isRecoveryError(failure) && known.includes(failure.subject ?? '');
      if (!isKnown) passedOver.push(passedOverLine(failure));
    };
    const nodes = await inspectNodes({ signal, onUnreadable }, { store, clock });
    const workers: Unreachable['workers'][number][] = [];
    for (const node of nodes.filter(({ name, isReadyNow }) => !isReadyNow && !except.includes(name))) {
      try {
        const read = await store.get({ kind: RESOURCE_KINDS.Node, name: node.name }, { signal });
        const names = namesOf(node.name, read?.object);
        workers.push({ node, bundle: renderJoinBundle({ node: node.name, names, kubeletService, files }) });
      } catch (error) {
        if (!isRecoveryError(error, 'JOIN_NODE_INVALID', 'OBJECT_UNREADABLE', 'OBJECT_INVALID')) throw error;
        passedOver.push(passedOverLine(error));
      }
    }
    return { workers, passedOver };
  };
  const isThere = async ({ name }: InspectedNode): Promise<boolean> =>
    (await host.list(directoryOf(name)))?.includes(BUNDLE_SCRIPT) ?? false;
  const planned = new Map<string, Edit>();
  const planBundle = async (name: string, bundle: readonly BundleFile[]): Promise<readonly Edit[]> =>
    Promise.all(
      bundle.map(async ({ path, mode, content }) => {
        const target = joinPath(directoryOf(name), path);
        const after = sha256(content);
        return { change: await describeReplacement(host, { target, after, fallbackMode: mode }), material: content };
      }),
    );
  return {
    id: 'nodes/bundles',
    title: 'write join bundles for unreachable workers',
    requires: [],
    reversible: 'yes',
    check: async (signal) => {
      try {
        const { workers, passedOver } = await findUnreachable(signal);
        planned.clear();
        const missing: string[] = [];
        for (const { node, bundle } of workers) {
          if (await isThere(node)) continue;
          missing.push(node.name);
          for (const edit of await planBundle(node.name, bundle)) planned.set(edit.change.target, edit);
        }
        const evidence = [...workers.map(({ node }) => `${node.name}: ${node.problems.join('; ')}`), ...passedOver];
        const changes = [...planned.values()].map(({ change }) => change);
        return missing.length === 0
          ? { status: 'ok', summary: 'no worker needs a bundle', evidence, changes, warnings: passedOver }
          : {
              status: 'needed',
              summary: `bundles needed for ${missing.join(', ')}: not reached over SSH (--join)`,
              evidence,
              changes,
            };
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const directories = new Set(changes.map(({ target }) => target.slice(0, target.indexOf('/', BUNDLE_AT))));
      for (const directory of directories) await makeBundleDirectory(hostPath(directory), host);
      await journal.perform(changes.map((change) => planned.get(change.target) ?? { change }));
    },
    verify: async (signal) => {
      const { workers, passedOver } = await findUnreachable(signal);
      const warnings = [...passedOver];
      for (const { node } of workers) {
        const directory = directoryOf(node.name);
        if (!(await isThere(node))) return { verified: false, reason: `${directory} is missing` };
        warnings.push(
          `${node.name} is not Ready: copy ${directory} there, run in it as root: ${BUNDLE_COMMAND}; then remove both copies`,
        );
      }
      return { verified: true, evidence: [], ...(warnings.length === 0 ? {} : { warnings }) };
    },
  };
}

function passedOverLine(failure: Error): string {
  return `no bundle for ${describeUnreadable(failure)}; join this node over SSH (--join)`;
}
