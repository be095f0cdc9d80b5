import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readKubeconfig } from '../cluster-client.ts';
import { FakeCluster } from '../fake-cluster.fixture.ts';
import { Checkpointer } from './checkpointer.ts';
import { createLogs } from './glog.ts';
import { apiServerPod, checkpointerPod } from './parent-pods.fixture.ts';
import type { Pod } from './pod.ts';

export const API_SERVER = 'kube-system/kube-apiserver-2rdtv';
export const SELF = 'kube-system/pod-checkpointer-8jms9';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const PODS = '/api/v1/namespaces/kube-system/pods';

/** A control-plane node in a temporary directory: an API server and a kubelet over HTTP, and a fake runtime. */
export class CheckpointedNode {
  readonly directory: string;
  readonly api: FakeCluster;
  readonly #kubelet: Server;
  /** Pods with a READY sandbox. */
  readonly running = new Set([API_SERVER, SELF]);
  /** Pods that the kubelet lists. */
  kubeletPods: readonly Pod[] = [apiServerPod(), checkpointerPod()];
  lines: string[] = [];
  #time = 1_000_000;
  #checkpointer: Checkpointer | undefined;

  private constructor(directory: string, api: FakeCluster) {
    this.directory = directory;
    this.api = api;
    this.#kubelet = createServer((request, response) => {
      response.writeHead(request.url === '/pods/' ? 200 : 404);
      response.end(JSON.stringify({ kind: 'PodList', items: this.kubeletPods }));
    });
  }

  static async create(): Promise<CheckpointedNode> {
    const directory = await mkdtemp(path.join(tmpdir(), 'pod-checkpointer-'));
    await mkdir(path.join(directory, 'manifests'));
    const node = new CheckpointedNode(directory, await FakeCluster.start(directory));
    node.setApiPods([apiServerPod(), checkpointerPod()]);
    node.setSecret('kube-apiserver', { 'ca.crt': 'old ca', 'etcd-client.crt': 'old client' });
    node.setSecret('default-token-bzn5p', { token: 'default token' });
    node.setSecret('pod-checkpointer-token-nfgg5', { token: 'own token' });
    node.api.objects.set('/api/v1/namespaces/kube-system/configmaps/kubeconfig-in-cluster', {
      data: { kubeconfig: 'a kubeconfig' },
    });
    await node.api.writeKubeconfig(path.join(directory, 'kubeconfig'));
    node.#kubelet.listen(0, '127.0.0.1');
    await once(node.#kubelet, 'listening');
    return node;
  }

  get kubeletUrl(): string {
    return `http://127.0.0.1:${(this.#kubelet.address() as AddressInfo).port}`;
  }

  setApiPods(items: readonly Pod[]): void {
    this.api.objects.set(PODS, { kind: 'PodList', items });
  }

  setSecret(name: string, texts: Readonly<Record<string, string>>): void {
    const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, base64(text)]));
    this.api.objects.set(`/api/v1/namespaces/kube-system/secrets/${name}`, { data });
  }

  /** Restarts the checkpointer: the next pass is its first. */
  restart(): void {
    this.#checkpointer = undefined;
  }

  /** Advances the time and makes one pass. */
  async pass(seconds = 5): Promise<void> {
    this.#time += seconds * 1_000;
    this.#checkpointer ??= new Checkpointer({
      nodeName: 'cp1',
      podName: 'pod-checkpointer-8jms9-cp1',
      podNamespace: 'kube-system',
      root: this.directory,
      gracePeriodMs: 60_000,
      api: readKubeconfig(this.path('kubeconfig')),
      kubelet: { server: this.kubeletUrl },
      runtime: { runningPods: async () => this.running },
      logs: createLogs(4, (line) => this.lines.push(line.replace(/^(\w).*? (\S+:\d+\]) /, '$1 $2 '))),
    });
    this.lines = [];
    await this.#checkpointer.pass(() => this.#time);
  }

  path(name: string): string {
    return path.join(this.directory, name);
  }

  async read(name: string): Promise<string | undefined> {
    return readFile(this.path(name), 'utf8').catch(() => undefined);
  }

  /** Mode and owner, for example `0600 65534:0`. */
  async statOf(name: string): Promise<string> {
    const { mode, uid, gid } = await stat(this.path(name));
    return `${(mode & 0o7777).toString(8).padStart(4, '0')} ${uid}:${gid}`;
  }

  async isActive(): Promise<boolean> {
    return (await this.read('manifests/kube-system-kube-apiserver-2rdtv.json')) !== undefined;
  }

  async dispose(): Promise<void> {
    await this.api.stop();
    this.#kubelet.closeAllConnections();
    this.#kubelet.close();
    await rm(this.directory, { recursive: true });
  }
}
