import { utimes } from 'node:fs/promises';
import path from 'node:path';
import { KUBERNETES } from '../../apps/drill/src/scenarios.ts';
import { withCluster } from '../bench/lab-session.ts';
import { type Breakage, measureJournal, spreadInterruptions } from './cluster-crash.ts';
import { tryInterruptions } from './try-interruptions.ts';

const DEFAULT_POINTS = 16;
/** One file of each component. None is the kubelet's, which is restarted only to replace the pods sooner. */
const FILES = ['pki/etcd/server.crt', 'pki/apiserver.crt', 'controller-manager.conf', 'scheduler.conf'];

/** Every component of a control plane that serves has a newer file than its process, so that it is to be restarted. */
const outdateProcesses: Breakage = async ({ node }, { clock }) => {
  const now = clock.now();
  for (const file of FILES) await utimes(path.join(node.directory, 'files/etc/kubernetes', file), now, now);
};

const [given, kubernetes = '1.37'] = process.argv.slice(2);
const version = KUBERNETES.find((each) => each === kubernetes);
if (version === undefined) throw new Error(`no Kubernetes ${kubernetes}: ${KUBERNETES.join(', ')}`);
await withCluster(async (cluster, deps) => {
  // The workloads run on meanwhile.
  const options = { breakCluster: outdateProcesses, since: new Date(0) };
  const lines = await measureJournal(cluster, deps, outdateProcesses);
  const interruptions = spreadInterruptions(lines, Number(given ?? DEFAULT_POINTS));
  await tryInterruptions(cluster, { interruptions, lines, options, report: `crash-running-${version}` }, deps);
}, version);
