import { KUBERNETES } from '../../apps/drill/src/scenarios.ts';
import { withCluster } from '../bench/lab-session.ts';
import { measureJournal, spreadInterruptions } from './cluster-crash.ts';
import { tryInterruptions } from './try-interruptions.ts';

const DEFAULT_POINTS = 16;

const [given, kubernetes = '1.20'] = process.argv.slice(2);
const version = KUBERNETES.find((each) => each === kubernetes);
if (version === undefined) throw new Error(`no Kubernetes ${kubernetes}: ${KUBERNETES.join(', ')}`);
/** The written report is of 1.20. */
const report = version === '1.20' ? 'crash-clusters' : `crash-clusters-${version}`;
await withCluster(async (cluster, deps) => {
  const lines = await measureJournal(cluster, deps);
  const interruptions = spreadInterruptions(lines, Number(given ?? DEFAULT_POINTS));
  await tryInterruptions(cluster, { interruptions, lines, report }, deps);
}, version);
