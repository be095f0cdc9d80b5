import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, plantTree, startEtcd, startLocalAws } from '@kube-rescue/testing';
import {
  answerSmallCluster,
  startFakeApiServer,
} from '../../../packages/cluster-objects/src/api/fake-api-server.fixture.ts';

/** How to run the example of a README with prepared servers and files. */
export interface Rehearsal {
  /** Required programs. */
  readonly needs?: readonly string[];
  /** Optional peers that the example uses. */
  readonly peers?: Readonly<Record<string, string>>;
  /** Starts servers and writes files for the example. */
  prepare?(directory: string): Promise<Prepared>;
  /** Runs the example as an unprivileged user, if it would change the machine. */
  readonly unprivileged?: boolean;
  /** The expected output, on stdout or stderr. */
  readonly prints: RegExp;
  /** The expected exit code. Default: 0. */
  readonly exitCode?: number;
}

interface Prepared {
  /** Replaces paths in the example. */
  readonly replace?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  stop?(): Promise<void>;
}

/** For `connectApiServer`, as the package's README says. */
const CLIENT = { '@kubernetes/client-node': '2.0.1' };

/** The rehearsals of all public libraries, by their name after `@kube-rescue/`; `NAME 2` is the second example of a README. */
export const REHEARSALS: Readonly<Record<string, Rehearsal>> = {
  x509: { prints: /DNS:kubernetes[\s\S]*system:masters[\s\S]*clientAuth/ },
  errors: { prints: /DISK_FULL.*\/var\/lib\/etcd free some space/ },
  host: {
    prepare: async (directory) => ({ replace: { '/run/example': `${directory}/example` } }),
    prints: /size: 4/,
  },
  workflow: {
    prepare: async (directory) => ({ replace: { "'/tmp/": `'${directory}/` } }),
    prints: /type: 'run-started'[\s\S]*verified: true/,
  },
  'cluster-objects': { peers: CLIENT, prepare: prepareApiServer, prints: /kube-apiserver\nchanged in revision 7/ },
  'etcd-access': { needs: ['etcd', 'etcdctl'], prepare: prepareEtcd, prints: /clientUrls/ },
  'etcd-access 2': { needs: ['etcd', 'etcdctl'], prepare: prepareEtcd, prints: /works https:[\s\S]*succeeded: true/ },
  'cert-rotation': {
    prepare: prepareNode,
    prints: /^not good[\s\S]*\napiserver problem[\s\S]*\nadmin\.conf ok[\s\S]*\ndone \S+ true\n$/,
  },
  'static-manifests': { prints: /MANIFEST_DIRECTORY_MISSING/, exitCode: 1 },
  'cni-bootstrap': { prints: /FLANNEL_SUBNET=10\.2\.3\.1\/24\nFLANNEL_MTU=1450\n/ },
  'pod-bootstrap': { peers: CLIENT, prepare: prepareApiServer, prints: /missing: kube-controller-manager, / },
  'node-join': { prints: /dedicated=db:NoExecute/ },
  'ingress-dns': { needs: ['knotd'], prepare: prepareAws, prints: /^\d{12} arn:aws:iam::/ },
  'ingress-dns 2': { needs: ['knotd'], prepare: prepareAws, prints: /identity: ok: accepted by AWS/ },
  'node-config': { prepare: prepareNode, prints: /pki\/ca\.crt/ },
  node: { prepare: prepareNode, prints: /^kubeadm https:[\s\S]*kube-apiserver \/etc\/kubernetes\/manifests/ },
  diagnosis: { prepare: prepareNode, prints: /^1 [^\n]*expired/ },
  recovery: { prepare: prepareNode, prints: /^1 [^\n]*expired[\s\S]*\bneeded\b/ },
  'local-aws': { needs: ['knotd'], prints: /^AWS_ENDPOINT_URL=http:\/\/127\.0\.0\.1:\d+ AWS_ACCESS_KEY_ID=AKIA/ },
  lab: { unprivileged: true, prints: /LAB_NOT_ROOT/, exitCode: 1 },
};

async function prepareApiServer(directory: string): Promise<Prepared> {
  const server = await startFakeApiServer();
  const admin = server.pki.tree.get(hostPath('/etc/kubernetes/admin.conf'));
  if (admin?.kind !== 'file') throw new Error('admin.conf is missing');
  const kubeconfig = new TextDecoder().decode(admin.bytes).replace(/server: .*/, `server: ${server.access.server}`);
  const file = hostPath(`${directory}/admin.conf`);
  await createLocalHost().writeFile(file, Buffer.from(kubeconfig), { mode: 0o600 });
  server.answer = answerSmallCluster;
  return { replace: { '/etc/kubernetes/admin.conf': file }, stop: () => server.close() };
}

async function prepareEtcd(directory: string): Promise<Prepared> {
  const etcd = await startEtcd();
  const env = {
    ETCDCTL_ENDPOINTS: etcd.endpoints[0] ?? '',
    ETCDCTL_CACERT: `${etcd.directory}/ca.crt`,
    ETCDCTL_CERT: `${etcd.directory}/client.crt`,
    ETCDCTL_KEY: `${etcd.directory}/client.key`,
  };
  const pair = (file: string) => file.replace('apiserver-etcd-client', 'client').replace('etcd/ca', 'ca');
  const files = ['etcd/ca.crt', 'apiserver-etcd-client.crt', 'apiserver-etcd-client.key'];
  const replace = {
    '/root/etcd.db': `${directory}/etcd.db`,
    "'/etc/kubernetes/pki'": `'${etcd.directory}'`,
    'https://127.0.0.1:2379': etcd.endpoints[0] ?? '',
    ...Object.fromEntries(files.map((file) => [`'${file}'`, `'${pair(file)}'`])),
  };
  return { replace, env, stop: () => etcd.stop() };
}

/** The files of a control-plane node with an expired certificate. */
async function prepareNode(directory: string): Promise<Prepared> {
  const { tree } = await buildPki({ algorithm: 'ecdsa', expired: ['apiserver'] });
  await plantTree(createLocalHost({ root: hostPath(directory) }), tree);
  // Not every example imports hostPath.
  const root = `(await import('@kube-rescue/host')).hostPath('${directory}')`;
  return {
    replace: { 'createLocalHost()': `createLocalHost({ root: ${root} })`, "root = '/'": `root = '${directory}'` },
  };
}

async function prepareAws(): Promise<Prepared> {
  const aws = await startLocalAws();
  const { accessKeyId, secretAccessKey } = aws.addKey();
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL: aws.endpoint,
  };
  return { env, stop: () => aws.stop() };
}
