import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterAccess, getObject } from '../cluster-client.ts';
import { reasonOf } from '../program.ts';
import {
  activate,
  deactivate,
  readCheckpoints,
  removeCheckpoint,
  writeEntries,
  writeManifest,
} from './checkpoint-files.ts';
import { renderCheckpoint } from './checkpoint-manifest.ts';
import { checkpointDirectories, type CheckpointDirectories, manifestPath } from './checkpoint-paths.ts';
import { CheckpointRegister, type Sources } from './checkpoint-register.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import type { Logs } from './glog.ts';
import { fileOwner, type Pod, parentsOf, podId } from './pod.ts';

/** How long the loop sleeps before each pass, the first included. */
export const POLL_MS = 5_000;
/** The age of the files of Secrets and ConfigMaps after which all are rewritten. */
const REFRESH_MS = 60_000;

export interface CheckpointerInput {
  readonly nodeName: string;
  readonly podName: string;
  readonly podNamespace: string;
  /** On a node `/etc/kubernetes`. */
  readonly root: string;
  readonly gracePeriodMs: number;
  readonly api: ClusterAccess;
  /** The kubelet's read-only port, for example `http://127.0.0.1:10255`; this version supports no other. */
  readonly kubelet: ClusterAccess;
  readonly runtime: ContainerRuntime;
  readonly logs: Logs;
}

/**
 * Runs annotated pods without an API server, as the pod checkpointer of bootkube does (the older version: it uses only the
 * kubelet's read-only port, and keeps a `nodeSelector`).
 */
export class Checkpointer {
  readonly #input: CheckpointerInput;
  readonly #directories: CheckpointDirectories;
  readonly #register: CheckpointRegister;
  #refreshedAt: number | undefined;

  constructor(input: CheckpointerInput) {
    const { nodeName, podName, podNamespace, root, gracePeriodMs, logs } = input;
    this.#input = input;
    this.#directories = checkpointDirectories(root);
    // The mirror pod of a checkpointer is named after its parent and the node.
    const parent = podName.endsWith(`-${nodeName}`) ? podName.slice(0, -nodeName.length - 1) : podName;
    this.#register = new CheckpointRegister({ selfId: `${podNamespace}/${parent}`, gracePeriodMs, log: logs.log });
    mkdirSync(this.#directories.inactive, { recursive: true, mode: 0o700 });
  }

  /** One pass: read all sources, update the files, then stop, start and remove. */
  async pass(now: () => number): Promise<void> {
    const sources = await this.#readSources();
    this.#register.update(sources);
    await this.#checkpoint(this.#register.pods(sources), now);
    const { stops, starts, removes } = this.#register.decide(sources, now());
    const { logs } = this.#input;
    for (const id of stops) deactivate(this.#directories, id, logs);
    for (const id of starts) activate(this.#directories, id, logs);
    for (const id of removes) removeCheckpoint(this.#directories, id, logs);
  }

  async #readSources(): Promise<Sources> {
    const { logs } = this.#input;
    const localParents = await this.#localParents();
    const localRunning = await this.#localRunning();
    const apiParents = await this.#apiParents();
    const activeOnDisk = readCheckpoints(this.#directories.active, logs);
    const inactiveOnDisk = readCheckpoints(this.#directories.inactive, logs);
    return { localParents, localRunning, apiParents, activeOnDisk, inactiveOnDisk };
  }

  async #localParents(): Promise<ReadonlyMap<string, Pod>> {
    try {
      return parentsOf((await getObject<PodList>(this.#input.kubelet, '/pods/')).items ?? []);
    } catch (error) {
      const reason = `failed to list local parent pods, assuming none are running: ${reasonOf(error)}`;
      this.#input.logs.log('E', 'kubelet.go:56', reason);
      return new Map();
    }
  }

  async #localRunning(): Promise<ReadonlySet<string>> {
    try {
      return await this.#input.runtime.runningPods();
    } catch (error) {
      this.#input.logs.log('E', 'runtime_service.go:62', `failed to list running sandboxes: ${reasonOf(error)}`);
      return new Set();
    }
  }

  async #apiParents(): Promise<ReadonlyMap<string, Pod> | undefined> {
    const { api, nodeName, podNamespace, logs } = this.#input;
    const query = `fieldSelector=${encodeURIComponent(`spec.nodeName=${nodeName}`)}`;
    try {
      const { items } = await getObject<PodList>(api, `/api/v1/namespaces/${podNamespace}/pods?${query}`);
      return parentsOf(items ?? []);
    } catch (error) {
      const reason = `Unable to contact APIServer, skipping garbage collection: ${reasonOf(error)}`;
      logs.log('W', 'apiserver.go:19', reason);
      return undefined;
    }
  }

  async #checkpoint(pods: readonly Pod[], now: () => number): Promise<void> {
    const isDue = this.#refreshedAt === undefined || now() - this.#refreshedAt >= REFRESH_MS;
    const { logs } = this.#input;
    for (const pod of pods) {
      const id = podId(pod);
      const changed = this.#writeCheckpoint(pod, id);
      if (changed === undefined || (!changed && !isDue)) continue;
      // A pod that was read back from disk has no such volumes, so without its parent its files stay as they are.
      try {
        await this.#writeSources(pod, 'secret');
      } catch (error) {
        logs.log('E', 'process.go:242', `Failed to checkpoint secrets for pod ${id}: ${reasonOf(error)}`);
        continue;
      }
      try {
        await this.#writeSources(pod, 'configmap');
      } catch (error) {
        logs.log('E', 'process.go:250', `Failed to checkpoint configMaps for pod ${id}: ${reasonOf(error)}`);
      }
    }
    if (isDue) this.#refreshedAt = now();
  }

  /** @returns whether it was written; `undefined` on failure */
  #writeCheckpoint(pod: Pod, id: string): boolean | undefined {
    const { logs } = this.#input;
    try {
      return writeManifest(
        manifestPath(this.#directories.inactive, id),
        id,
        renderCheckpoint(pod, this.#directories),
        logs,
      );
    } catch (error) {
      logs.log('E', 'process.go:229', `Failed to write checkpoint for ${id}: ${reasonOf(error)}`);
      return undefined;
    }
  }

  async #writeSources(pod: Pod, kind: 'secret' | 'configmap'): Promise<void> {
    const { namespace, name } = pod.metadata;
    try {
      const owner = fileOwner(pod);
      for (const volume of pod.spec.volumes ?? []) {
        const source = kind === 'secret' ? volume.secret?.secretName : volume.configMap?.name;
        if (source === undefined) continue;
        const entries = await this.#fetch(namespace, kind, source);
        const directory = kind === 'secret' ? this.#directories.secrets : this.#directories.configMaps;
        writeEntries(join(directory, namespace, name, source), entries, owner);
      }
    } catch (error) {
      throw new Error(`failed to checkpoint ${kind} for pod ${podId(pod)}: ${reasonOf(error)}`, { cause: error });
    }
  }

  async #fetch(namespace: string, kind: 'secret' | 'configmap', name: string): Promise<ReadonlyMap<string, Buffer>> {
    const path = `/api/v1/namespaces/${namespace}/${kind}s/${name}`;
    try {
      const { data = {} } = await getObject<{ data?: Readonly<Record<string, string>> }>(this.#input.api, path);
      const encoding = kind === 'secret' ? 'base64' : 'utf8';
      return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)]));
    } catch (error) {
      throw new Error(`failed to retrieve ${kind} ${namespace}/${name}: ${reasonOf(error)}`, { cause: error });
    }
  }
}

interface PodList {
  readonly items?: readonly Pod[] | null;
}
