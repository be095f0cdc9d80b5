import { auditedFile, readOutsideToken } from '../../addons/webhooks.ts';
import { TOKEN_USER_PREFIX } from '../../addons/api-server-files.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { GUEST } from '../../programs/webhooks/answers.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';

const DEADLINE_MS = 60_000;
const CA = '/etc/kubernetes/pki/ca.crt';
const SECRET = '/registry/secrets/kube-system/metrics-server';
const ENCRYPTED = 'k8s:enc:secretbox:v1:key1:';

/** Proves what the API server's configuration files do: who may log in, who may do what, what is audited, what is encrypted. */
export function proveApiServer(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  return Promise.all([
    proveOutsideToken(cluster, deps),
    proveAuthorizer(cluster, deps),
    proveAudit(cluster, deps),
    proveEncrypted(cluster, deps),
  ]);
}

function proveOutsideToken(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('a token of an issuer outside the cluster is accepted', async () => {
    const [, worker] = cluster.nodes;
    const token = worker === undefined ? '' : await readOutsideToken(worker.node, deps);
    const connection = [`--server=https://${cluster.node.address}:6443`, `--certificate-authority=${CA}`];
    const whoami = ['auth', 'whoami', '--output=jsonpath={.status.userInfo.username}'];
    const argv = ['kubectl', ...connection, `--token=${token}`, ...whoami] as const;
    const value = await waitFor(deps, {
      subject: 'outside issuer',
      deadlineMs: DEADLINE_MS,
      check: async () => {
        // Without the certificate of the administrator's kubeconfig.
        const { stdout, stderr } = await execOnNode({ ...cluster, kubeconfig: '/dev/null' }, argv, deps);
        const isKnown = stdout.startsWith(TOKEN_USER_PREFIX);
        return isKnown ? { value: `it is ${stdout}` } : { waitingFor: stderr.trim() };
      },
    });
    return { ok: true, detail: value };
  });
}

function proveAuthorizer(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('the authorization webhook decides', async () => {
    const ask = async (user: string): Promise<string> => {
      const argv = ['kubectl', 'auth', 'can-i', 'delete', 'nodes', `--as=${user}`] as const;
      return (await execOnNode(cluster, argv, deps)).stdout.trim();
    };
    const value = await waitFor(deps, {
      subject: 'authorization webhook',
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const answers = [await ask(GUEST), await ask('stranger')];
        const text = `${GUEST}: ${answers[0]}, another: ${answers[1]}`;
        return answers[0] === 'yes' && answers[1] === 'no' ? { value: text } : { waitingFor: text };
      },
    });
    return { ok: true, detail: value };
  });
}

function proveAudit(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('the audit webhook gets events', async () => {
    const [, worker] = cluster.nodes;
    if (worker === undefined) return { ok: false, detail: 'the cluster has no webhooks' };
    const name = `audited-${deps.clock.now().getTime()}`;
    await runOnNode(cluster, ['kubectl', 'create', 'configmap', name], deps);
    const value = await waitFor(deps, {
      subject: 'audit webhook',
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const isThere = (await deps.host.stat(auditedFile(worker.node))) !== undefined;
        const names = isThere ? (await readNodeText(auditedFile(worker.node), deps)).split('\n') : [];
        const waitingFor = `no event of configmap ${name}`;
        return names.includes(name) ? { value: `the creation of configmap ${name}` } : { waitingFor };
      },
    });
    await runOnNode(cluster, ['kubectl', 'delete', 'configmap', name, '--wait=false'], deps);
    return { ok: true, detail: value };
  });
}

function proveEncrypted(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('Secrets are encrypted in etcd', async () => {
    const pki = '/etc/kubernetes/pki/etcd';
    const argv = [
      ...(['etcdctl', '--endpoints=https://127.0.0.1:2379', `--cacert=${pki}/ca.crt`] as const),
      ...[`--cert=${pki}/healthcheck-client.crt`, `--key=${pki}/healthcheck-client.key`],
      ...['get', SECRET, '--print-value-only', '--write-out=simple'],
    ] as const;
    const stored = (await runOnNode(cluster, argv, deps)).stdout.slice(0, ENCRYPTED.length);
    return { ok: stored === ENCRYPTED, detail: `${SECRET} begins with ${stored}` };
  });
}
