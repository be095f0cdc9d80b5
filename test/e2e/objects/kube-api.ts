import { request } from 'node:https';
import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type ApiObjectStore, connectApiServer } from '@kube-rescue/cluster-objects/api';
import {
  connectKmsPlugins,
  createEtcdObjectStore,
  type EtcdClient,
  openEtcd,
  parseEncryptionConfiguration,
} from '@kube-rescue/etcd-access';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { type RunningApiServer, type RunningEtcd, startApiServer, startEtcd } from '@kube-rescue/testing';

/** A real API server on a real etcd, and both object sources. */
export interface KubeApi {
  readonly etcd: RunningEtcd;
  readonly server: RunningApiServer;
  readonly client: EtcdClient;
  readonly viaApi: ApiObjectStore;
  readonly viaEtcd: ObjectStore;
  dispose(): Promise<void>;
}

export interface KubeApiOptions {
  /** Text of an EncryptionConfiguration. Default: nothing is encrypted. */
  readonly encryption?: string | undefined;
  /** Values behind KMS v2 are read through the plugins of this machine. Default: they are refused. */
  readonly kms?: boolean | undefined;
  /** The API server's `--etcd-prefix`. Default: its own. */
  readonly prefix?: string | undefined;
}

export async function startKubeApi(binaries: string, options: KubeApiOptions = {}): Promise<KubeApi> {
  const etcd = await startEtcd();
  let server: RunningApiServer | undefined;
  try {
    const words = options.prefix === undefined ? [] : [`--etcd-prefix=${options.prefix}`];
    const encryptionConfiguration = options.encryption;
    server = await startApiServer({ etcd, binaries, encryptionConfiguration, arguments: words });
    return await connect(etcd, server, options);
  } catch (error) {
    await server?.dispose();
    await etcd.stop();
    throw error;
  }
}

async function connect(
  etcd: RunningEtcd,
  server: RunningApiServer,
  { encryption, prefix, kms: isBehindKms = false }: KubeApiOptions,
): Promise<KubeApi> {
  const { pki } = etcd;
  if (pki === undefined) throw new Error('etcd runs without TLS');
  const tls = { ca: pki.ca.certificate, client: pki.client };
  const client = await openEtcd({ endpoints: etcd.endpoints, tls }, { host: createLocalHost(), clock: systemClock });
  const kms = isBehindKms ? connectKmsPlugins({ host: createLocalHost(), clock: systemClock }) : undefined;
  const viaApi = connectApiServer({ server: server.server, ca: server.ca, client: server.client });
  const viaEtcd = createEtcdObjectStore({
    kv: client,
    clock: systemClock,
    prefix,
    kms,
    encryption: encryption === undefined ? undefined : parseEncryptionConfiguration(encryption, 'encryption.yaml'),
  });
  // The API server creates it shortly after it is ready.
  while ((await viaEtcd.get({ kind: RESOURCE_KINDS.Namespace, name: 'default' })) === undefined) {
    await systemClock.sleep(50);
  }
  return {
    etcd,
    server,
    client,
    viaApi,
    viaEtcd,
    dispose: async () => {
      await viaApi.close();
      kms?.close();
      client.close();
      await server.dispose();
      await etcd.stop();
    },
  };
}

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** Watches a path of the API from now on; `next` waits for one event. */
export async function watch(
  { server, ca, client }: RunningApiServer,
  path: string,
): Promise<{ next(): Promise<WatchEvent>; close(): void }> {
  const events: WatchEvent[] = [];
  const waiting: ((event: WatchEvent) => void)[] = [];
  const open = request(`${server}${path}`, { ca, cert: client.certificate, key: client.key, agent: false });
  open.end();
  await new Promise<void>((resolve, reject) => {
    open.on('error', reject);
    open.on('response', (response) => {
      let text = '';
      response.on('error', () => undefined);
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (text + chunk).split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) {
          const event = JSON.parse(line) as WatchEvent;
          const waiter = waiting.shift();
          if (waiter === undefined) events.push(event);
          else waiter(event);
        }
      });
      resolve();
    });
  });
  return {
    next: () => {
      const event = events.shift();
      return event === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(event);
    },
    close: () => open.destroy(),
  };
}
