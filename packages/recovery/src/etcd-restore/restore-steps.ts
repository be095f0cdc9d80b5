import type { RestoreMark } from '@kube-rescue/etcd-access/restore';
import { joinPath } from '@kube-rescue/host';
import type { Node } from '@kube-rescue/node';
import { listRunningPods } from '@kube-rescue/static-manifests';
import { type Change, readBefore, sha256, type Step } from '@kube-rescue/workflow';
import { type ChangesFinding, DONE, needed, withChanges } from './changes-step.ts';
import { identifyKubelet } from './kubelet-step.ts';
import { type RestoreNode, type StoppablePod, STOPPED } from './restore-node.ts';
import type { RestoreSource } from './restore-source.ts';

/** The manifests of etcd and the API server are kept outside their directory. */
const RESTORE_KEEP = 'etcd-restore/keep-manifests';
const RESTORE_STOP = 'etcd-restore/stop';
export const RESTORE_DATA = 'etcd-restore/data';

/** An API server sits out its open watches. */
const STOP_TIMEOUT_MS = 90_000;
/** A kubelet that has not noticed the removal yet starts a container that ended. */
const QUIET_MS = 5_000;
const INTERVAL_MS = 500;
export const MANIFEST_MODE = 0o600;
const PRIVATE_DIRECTORY_MODE = 0o700;

/** What every step of one restore knows. */
export interface RestoreContext {
  readonly facts: RestoreNode;
  readonly source: RestoreSource;
  /** The data directory has been restored by this restore, or from this file. */
  readonly isDone: boolean;
  /** The mark of the data directory as it is; `undefined` when it was never restored. */
  readonly mark: RestoreMark | undefined;
  /** The members that are gone for good; `undefined` when this member is the only one. */
  readonly lost: { readonly names: readonly string[]; readonly sum: string } | undefined;
}

/** Keeps the manifests of etcd and the API server, stops both pods, in this order. A rollback starts them again, last. */
export function createStopSteps({ facts, isDone }: RestoreContext, node: Node): readonly Step[] {
  const { host } = node;
  const present = async (): Promise<readonly StoppablePod[]> => {
    if (isDone) return [];
    const known = await Promise.all(facts.pods.map(async (pod) => ((await host.stat(pod.manifest)) ? pod : undefined)));
    return known.filter((pod) => pod !== undefined);
  };
  const keep = withChanges({
    ...{ id: RESTORE_KEEP, title: 'keep the manifests of the API server and etcd', requires: [], reversible: 'yes' },
    check: async () => {
      const changes = await Promise.all(
        (await present()).map(async ({ manifest, stopped }) => {
          const digest = sha256((await host.readFile(manifest)) ?? new Uint8Array());
          const before = await readBefore(host, stopped);
          if (before === digest) return undefined;
          // Its mode and owner come back with it.
          const { uid = 0, gid = 0, mode = MANIFEST_MODE } = (await host.stat(manifest)) ?? {};
          return { kind: 'file.replace', target: stopped, before, after: digest, mode, uid, gid };
        }),
      );
      return needed('the manifests are kept while the pods are stopped', changes);
    },
    apply: async (changes, journal) => {
      await host.makeDirectory(STOPPED, { mode: PRIVATE_DIRECTORY_MODE });
      const edits = changes.map(async (change) => {
        const pod = facts.pods.find(({ stopped }) => stopped === change.target);
        const material = pod && (await host.readFile(pod.manifest));
        return { change, material };
      });
      await journal.perform(await Promise.all(edits));
    },
    verify: async () => ({ verified: true, evidence: facts.pods.map(({ stopped }) => stopped) }),
  });
  const stop = withChanges({
    ...{ id: RESTORE_STOP, title: 'stop the API server and etcd', requires: [RESTORE_KEEP], reversible: 'yes' },
    check: async () => {
      const pods = await present();
      const kubelet = node.options.kubeletService;
      if (pods.length > 0 && (await host.services.status(kubelet)) === 'stopped') return noKubelet(kubelet);
      const removals = pods.map(async ({ manifest }) => {
        return { kind: 'file.remove', target: manifest, before: await readBefore(host, manifest) };
      });
      return needed('the kubelet stops the pods of manifests that are gone', await Promise.all(removals));
    },
    apply: async (changes, journal, signal) => {
      for (const each of facts.pods) {
        const change = changes.find(({ target }) => target === each.manifest);
        if (change === undefined) continue;
        await journal.perform([{ change }]);
        await waitUntilStopped(each, node, (what) => journal.waitingFor(what), signal);
      }
    },
    verify: async () => {
      const running = await Promise.all(facts.pods.map(({ pod }) => listRunningPods(pod, node)));
      const [first] = running.flat();
      if (first === undefined) return { verified: true, evidence: ['neither the API server nor etcd runs'] };
      return {
        verified: false,
        reason: `process ${first.pid} still runs although its manifest is gone`,
        hint: 'see why the kubelet does not stop it (journalctl -u kubelet)',
      };
    },
  });
  return [keep, stop];
}

/** Exchanges the data. */
export function createDataStep(
  { facts, source, isDone, lost }: RestoreContext,
  tool: { readonly program: string; readonly version: string; readonly canBump: boolean } | undefined,
  value: string,
  node: Node,
): Step {
  const { dataDirectory, name, peerUrl } = facts;
  const bump = tool?.canBump === true ? source.bump : 0;
  const change = {
    ...{ kind: 'etcd.restore', target: dataDirectory, value, source: source.path, sourceSha256: source.sha256 },
    ...{ isHashed: source.isHashed, bytes: source.bytes, program: tool?.program ?? '', bump },
    ...{ revision: source.revision + bump, name, peerUrl, formerMembers: source.members.map(({ id }) => id) },
    ...(lost === undefined ? {} : { without: lost.names }),
  };
  /** Its watches hold revisions of before. */
  const withKubelet = async (): Promise<Change> => {
    const kubelet = bump === 0 ? await identifyKubelet(node) : undefined;
    return kubelet === undefined ? change : { ...change, kubelet };
  };
  return withChanges({
    ...{ id: RESTORE_DATA, title: 'restore the data of etcd', requires: [RESTORE_STOP], reversible: 'yes' },
    check: async () => {
      if (isDone || tool === undefined)
        return {
          ...DONE,
          warnings: [`${dataDirectory} is restored from this file already; --again restores it once more`],
        };
      const by = `with ${tool.program} ${tool.version}, as a new cluster of one member, ${name}`;
      const forgotten =
        lost && `${lost.names.join(', ')} must stay off for good: one that works would be a cluster of its own`;
      const evidence = [
        ...(lost === undefined || forgotten === undefined ? [] : [lost.sum, forgotten]),
        ...source.evidence,
        bump === 0 ? `${by}; ${NO_BUMP}` : `${by}, from revision ${change.revision} on`,
      ];
      // A plan shows the summary: what is lost belongs to the question.
      return {
        status: 'needed',
        summary: `etcd is restored: ${evidence.join('; ')}`,
        evidence,
        changes: [await withKubelet()],
      };
    },
    apply: (changes, journal) => journal.perform(changes.map((each) => ({ change: each }))),
    verify: async () => {
      const { readRestoreMark } = await import('@kube-rescue/etcd-access/restore');
      const mark = await readRestoreMark(joinPath(dataDirectory, 'member'), node);
      // Not by `value`: a run that is resumed carries out the change of the run before.
      if (mark?.source !== source.sha256)
        return { verified: false, reason: `${dataDirectory} is not the restored one` };
      return { verified: true, evidence: source.evidence, warnings: bump === 0 ? [NO_BUMP] : [] };
    },
  });
}

const NO_BUMP =
  "this version of etcd cannot raise its revision: watches that are open since before may miss changes; this node's kubelet is restarted; restart the kubelets and the controllers of the other nodes afterwards";

/** Stopped for a while: not between two starts. */
async function waitUntilStopped(
  { pod, component }: StoppablePod,
  node: Node,
  waitingFor: (what: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const begun = node.clock.now().getTime();
  let since = begun;
  for (;;) {
    const now = node.clock.now().getTime();
    if ((await listRunningPods(pod, node)).length > 0) since = now;
    // A pod that does not stop is found by `verify`.
    if (now - since >= QUIET_MS || now - begun >= STOP_TIMEOUT_MS) return;
    waitingFor(`${component} to stop`);
    await node.clock.sleep(INTERVAL_MS, signal);
  }
}

function noKubelet(service: string): ChangesFinding {
  return {
    ...{
      status: 'blocked',
      summary: 'the kubelet does not run, and nothing else stops and starts the pods',
      evidence: [],
    },
    ...{ code: 'HOST_SERVICE_FAILED', subject: service, changes: [] },
    hint: 'start the kubelet; where its certificate has expired, run `kube-rescue certs renew` first',
  };
}
