import { expiredCa } from './stale-certificates.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import { prove } from '../../proofs/proof.ts';
import { pkiDirectory, readCa } from '../../self-hosted/pki.ts';
import { listPublished, publishedCa, replacePublishedCa } from '../ca-expired/published-ca.ts';
import { killForGood, proveNoneRuns } from './lost-pods.ts';
import type { SingleFault } from './single-fault.ts';

/**
 * Every service account has an expired CA, and so has kube-controller-manager, which publishes it: it does not trust the API
 * server, and its pod is gone.
 */
export const staleServiceAccountCa: SingleFault = {
  what: 'every service account and kube-controller-manager have an expired CA',
  breakCluster: async (cluster, deps) => {
    const old = await readCa(pkiDirectory(cluster.id), 'kube-ca', deps);
    const replacement = await expiredCa(cluster, deps);
    await killForGood(cluster, 'kube-controller-manager', deps);
    await replacePublishedCa(cluster, { old, replacement }, deps);
    const patch = JSON.stringify({ data: { 'ca.crt': Buffer.from(replacement).toString('base64') } });
    const secret = ['--namespace=kube-system', 'patch', 'secret', 'kube-controller-manager'];
    await runOnNode(cluster, ['kubectl', ...secret, '--patch', patch], deps);
  },
  proveFault: async (cluster, deps) => [
    await proveNoneRuns(cluster, 'kube-controller-manager', deps),
    await prove('every service account and namespace has another CA than the one in use', async () => {
      const present = (await readCa(pkiDirectory(cluster.id), 'kube-ca', deps)).trim();
      const all = await listPublished(cluster, deps);
      const good = all.filter((object) => publishedCa(object)?.trim() === present);
      return { ok: good.length === 0 && all.length > 0, detail: `${all.length - good.length} of ${all.length}` };
    }),
  ],
};
