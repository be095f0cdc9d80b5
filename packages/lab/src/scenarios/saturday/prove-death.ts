import { lastOutput } from '../../machine/command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import {
  CONTROL_PLANE,
  ETCD_TLS_DIRECTORY,
  KUBECONFIG,
  MASTER_LABEL,
  SHOP_NAME,
  WORKER,
} from '../../self-hosted/layout.ts';
import { readEmbeddedCredentials } from '../../cluster/kubeconfig-credentials.ts';
import { isServiceRunning } from '../../machine/services.ts';
import { waitFor } from '../../machine/waiting.ts';
import { findCheckpoint } from './checkpoint.ts';
import { provePodsRunning } from './running-pods.ts';
import { etcdctl, etcdKeys, plainEtcdctl } from './etcd-client.ts';
import { ROTATION_SET } from './rotation-set.ts';

/** An API server without etcd exits after 20 s. */
const CRASH_DEADLINE_MS = 90_000;
const SUBNET_FILE = '/run/flannel/subnet.env';

/** Proves every symptom of the Saturday incident: what is down, why, and what still works. Changes nothing. */
export async function proveSaturdayDeath(
  cluster: SelfHostedCluster,
  { podsRunning }: { readonly podsRunning: boolean },
  deps: LabDeps,
): Promise<readonly Proof[]> {
  const proofs = await Promise.all([
    proveKubectlFails(cluster, deps),
    proveAllExpired(cluster, deps),
    proveEtcdctlFails(cluster, deps),
    proveEtcdAnswers(cluster, deps),
    proveForeignEtcdClient(cluster, deps),
    proveSecretsExpired(cluster, deps),
    proveRotationSet(cluster, deps),
    ...(podsRunning
      ? [provePodsRunning(cluster, deps)]
      : [provePodsLost(cluster, deps), proveNoNetwork(cluster, deps)]),
    proveTaintLost(cluster, deps),
    proveWorkerOff(cluster, deps),
    proveShopClosed(cluster, deps),
    proveApiCrashes(cluster, deps),
  ]);
  return proofs;
}

function proveKubectlFails(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('kubectl does not reach the API server', async () => {
    const result = await execOnNode(cluster, ['kubectl', 'get', 'nodes', '--request-timeout=5s'], deps);
    return { ok: result.exitCode !== 0, detail: lastOutput(result, 1) };
  });
}

/** Checks the cluster CA and its certificates everywhere on the node: in files, in the kubeconfig and in the checkpoint. */
function proveAllExpired(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('the cluster CA and all its certificates have expired', async () => {
    const { secrets } = await findCheckpoint(cluster, 'kube-apiserver', deps);
    const files = ['ca.crt', 'apiserver.crt', 'etcd-client-ca.crt', 'etcd-client.crt'].map((name) => {
      return `${secrets}/kube-apiserver/${name}`;
    });
    const kubeconfig = await readNodeText(nodeFile(cluster.node, KUBECONFIG), deps);
    const texts = await Promise.all(
      ['/etc/kubernetes/ca.crt', ...files].map((path) => readNodeText(nodeFile(cluster.node, path), deps)),
    );
    const certificates = [...texts, readEmbeddedCredentials(kubeconfig)?.certificate ?? ''];
    const verdicts = await Promise.all(certificates.map((text) => isExpired(cluster, text, deps)));
    const expired = verdicts.filter(Boolean).length;
    return { ok: expired === verdicts.length, detail: `openssl: ${expired} of ${verdicts.length} have expired` };
  });
}

async function isExpired(cluster: SelfHostedCluster, certificate: string, deps: LabDeps): Promise<boolean> {
  const argv = ['openssl', 'x509', '-noout', '-checkend', '0'] as const;
  const { exitCode, stdout } = await execOnNode(cluster, argv, deps, { input: certificate });
  return exitCode === 1 && stdout.includes('will expire');
}

function proveEtcdctlFails(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('etcdctl does not reach etcd by default, nor at 127.0.0.1', async () => {
    const health = ['endpoint', 'health'];
    const plain = await plainEtcdctl(cluster, health, deps);
    const local = await etcdctl(cluster, health, deps, 'https://127.0.0.1:2379');
    const names = [
      'openssl',
      'x509',
      '-noout',
      '-checkip',
      '127.0.0.1',
      '-in',
      `${ETCD_TLS_DIRECTORY}/server.crt`,
    ] as const;
    const detail = [plain, local, await execOnNode(cluster, names, deps)]
      .map((result) => lastOutput(result, 1))
      .join('; ');
    return { ok: plain.exitCode !== 0 && local.exitCode !== 0, detail };
  });
}

function proveEtcdAnswers(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('etcd answers with the right address, CA, certificate and key', async () => {
    const result = await etcdctl(cluster, ['endpoint', 'health'], deps);
    return { ok: result.exitCode === 0, detail: lastOutput(result, 1) };
  });
}

function proveForeignEtcdClient(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('the API server client certificate for etcd is of a CA that etcd no longer trusts', async () => {
    const { secrets } = await findCheckpoint(cluster, 'kube-apiserver', deps);
    const verify = ['openssl', 'verify', '-no_check_time', '-CAfile', `${ETCD_TLS_DIRECTORY}/ca.crt`] as const;
    const result = await execOnNode(cluster, [...verify, `${secrets}/kube-apiserver/etcd-client.crt`], deps);
    return { ok: result.exitCode !== 0, detail: lastOutput(result, 1) };
  });
}

function proveSecretsExpired(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('the Secrets in etcd hold expired certificates', async () => {
    const { stdout } = await etcdctl(
      cluster,
      ['get', '/registry/secrets/kube-system/kube-apiserver', '--print-value-only'],
      deps,
    );
    if (cluster.encryption === 'aescbc') {
      return { ok: stdout.startsWith('k8s:enc:aescbc:v1:'), detail: 'the Secrets in etcd are encrypted with aescbc' };
    }
    const ca = await readNodeText(nodeFile(cluster.node, '/etc/kubernetes/ca.crt'), deps);
    return { ok: stdout.includes(ca), detail: 'the expired CA is in Secret kube-system/kube-apiserver' };
  });
}

function proveRotationSet(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('the certificates of tls_rotate are valid, and their etcd CA is the one in use', async () => {
    const tls = `${ROTATION_SET}/tls`;
    const verify = (ca: string, ...leaves: readonly string[]) =>
      execOnNode(cluster, ['openssl', 'verify', '-CAfile', ca, ...leaves], deps);
    const results = await Promise.all([
      verify(`${tls}/ca.crt`, `${tls}/apiserver.crt`, `${tls}/kubelet.crt`),
      verify(`${tls}/etcd/ca.crt`, `${tls}/etcd/client.crt`, `${ETCD_TLS_DIRECTORY}/server.crt`),
    ]);
    const bad = results.find(({ exitCode }) => exitCode !== 0);
    return { ok: bad === undefined, detail: bad === undefined ? 'openssl verified five of them' : lastOutput(bad, 1) };
  });
}

function provePodsLost(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('the pods of scheduler, controller-manager and DNS are gone; their Deployments are not', async () => {
    const keys = await etcdKeys(cluster, '/registry/', deps);
    const pods = keys.filter((key) => key.startsWith('/registry/pods/kube-system/'));
    const parents = keys.filter((key) => key.startsWith('/registry/deployments/kube-system/'));
    const lost = /\/(kube-scheduler|kube-controller-manager|kube-dns)-/;
    const names = pods.map((key) => key.slice(key.lastIndexOf('/') + 1));
    return {
      ok: pods.length > 0 && !pods.some((key) => lost.test(key)) && parents.length === 3,
      detail: `etcd has ${parents.length} Deployments, and of pods: ${names.join(', ')}`,
    };
  });
}

function proveNoNetwork(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove("flannel's subnet file and the iptables rules of Services are gone", async () => {
    const file = await execOnNode(cluster, ['cat', SUBNET_FILE], deps);
    const { stdout } = await execOnNode(cluster, ['iptables-save', '--table', 'nat'], deps);
    const routes = stdout.split('\n').filter((line) => line.includes('-j KUBE-SVC-')).length;
    return { ok: file.exitCode !== 0 && routes === 0, detail: `${lastOutput(file, 1)}; ${routes} rules of Services` };
  });
}

function proveTaintLost(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('the taint of the control-plane node is gone', async () => {
    const key = `/registry/minions/${CONTROL_PLANE.name}`;
    const { stdout } = await etcdctl(cluster, ['get', key, '--print-value-only'], deps);
    const hasLabel = stdout.includes(MASTER_LABEL);
    return { ok: hasLabel && !stdout.includes('NoSchedule'), detail: `${key} has the label, and no NoSchedule` };
  });
}

function proveWorkerOff({ worker }: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove(`the kubelet of ${WORKER.name} is stopped`, async () => {
    const runs = await isServiceRunning(worker.node, 'kubelet', deps);
    return { ok: !runs, detail: runs ? 'the kubelet runs' : 'its service is stopped' };
  });
}

function proveShopClosed(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove(`${SHOP_NAME} does not answer`, async () => {
    const argv = ['curl', '--silent', '--show-error', '--max-time', '3', '--header', `Host: ${SHOP_NAME}`] as const;
    const result = await execOnNode(cluster, [...argv, `http://${WORKER.address}/`], deps);
    return { ok: result.exitCode !== 0, detail: lastOutput(result, 1) };
  });
}

function proveApiCrashes(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove("the checkpointed API server exits because it does not trust etcd's certificate", async () => {
    const { pod } = await findCheckpoint(cluster, 'kube-apiserver', deps);
    const script = 'cat /var/log/pods/kube-system_"$0"_*/kube-apiserver/*.log';
    const detail = await waitFor(deps, {
      subject: pod,
      deadlineMs: CRASH_DEADLINE_MS,
      check: async () => {
        const { stdout } = await execOnNode(cluster, ['sh', '-c', script, `${pod}-${CONTROL_PLANE.name}`], deps);
        const lines = stdout.split('\n');
        const reason = lines.find((line) => line.includes('x509:'));
        const end = lines.find((line) => line.includes('context deadline exceeded'));
        if (reason === undefined || end === undefined) return { waitingFor: 'the reason is not in its log' };
        return { value: `${/x509:[^"\\(]*/.exec(reason)?.[0].trim() ?? ''}; context deadline exceeded` };
      },
    });
    return { ok: true, detail };
  });
}
