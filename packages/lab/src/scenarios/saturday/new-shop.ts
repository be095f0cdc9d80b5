import type { LabDeps } from '../../machine/lab-deps.ts';
import { WEB_ANSWER } from '../../kubernetes/images.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { PROGRAMS_IMAGE, programCommand } from '../../programs/images.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { BASE_DOMAIN, CLUSTER_DOMAIN, CONTROL_PLANE, WORKER } from '../../self-hosted/layout.ts';
import { ingressRule, webDeployment } from '../../self-hosted/objects/services.ts';
import { waitFor } from '../../machine/waiting.ts';

const DEADLINE_MS = 120_000;

/**
 * Proves that a new Deployment is scheduled on the worker, and answers a pod by its Service name and clients outside through
 * the ingress. Needs a working scheduler, controller-manager, pod and Service network, cluster DNS and ingress controller.
 */
export function proveNewShop(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove(
    `a new Deployment runs on ${WORKER.name}, and answers by its Service name and through the ingress`,
    async () => {
      const name = `proof-${deps.clock.now().getTime()}`;
      const host = `${name}.${BASE_DOMAIN}`;
      const items = shopObjects(name, host);
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, { input: list });
      try {
        const node = await waitForOutput(cluster, ['get', 'pods', `--selector=app=${name}`, READY_NODE], isName, deps);
        const inside = await waitForOutput(cluster, ['logs', `${name}-client`], isAnswer, deps);
        const curl = ['curl', '--silent', '--max-time', '5', '--header', `Host: ${host}`] as const;
        const outside = await waitFor(deps, {
          subject: host,
          deadlineMs: DEADLINE_MS,
          check: async () => {
            const { stdout } = await execOnNode(cluster, [...curl, `http://${WORKER.address}/`], deps);
            return isAnswer(stdout) ? { value: stdout.trim() } : { waitingFor: `it answers '${stdout.slice(0, 80)}'` };
          },
        });
        const detail = `on ${node}; a pod on ${CONTROL_PLANE.name} got '${inside}', the ingress answers '${outside}'`;
        return { ok: node === WORKER.name, detail };
      } finally {
        await execOnNode(cluster, ['kubectl', 'delete', '--wait=false', '--filename', '-'], deps, { input: list });
      }
    },
  );
}

/** The node of each pod that is ready. */
const READY_NODE =
  '--output=jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.spec.nodeName}{"\\n"}{end}';

const isName = (text: string): boolean => text.trim() !== '';
const isAnswer = (text: string): boolean => text.trim() === WEB_ANSWER;

async function waitForOutput(
  cluster: SelfHostedCluster,
  args: readonly string[],
  isGood: (stdout: string) => boolean,
  deps: LabDeps,
): Promise<string> {
  return waitFor(deps, {
    subject: args.slice(0, 3).join(' '),
    deadlineMs: DEADLINE_MS,
    intervalMs: 500,
    check: async () => {
      const { stdout, stderr } = await execOnNode(cluster, ['kubectl', ...args], deps);
      return isGood(stdout) ? { value: stdout.trim() } : { waitingFor: (stderr || stdout).trim().slice(0, 200) };
    },
  });
}

function shopObjects(name: string, host: string): readonly object[] {
  const url = `http://${name}.default.svc.${CLUSTER_DOMAIN}/`;
  const client = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${name}-client`, namespace: 'default' },
    spec: {
      // On the other node, restarted until the Service answers.
      nodeName: CONTROL_PLANE.name,
      restartPolicy: 'OnFailure',
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'client', image: PROGRAMS_IMAGE, imagePullPolicy: 'Never', command: programCommand('fetch', url) },
      ],
    },
  };
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'default' },
    spec: { rules: [ingressRule(host, name)] },
  };
  return [...webDeployment(name), ingress, client];
}
