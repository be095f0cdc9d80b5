import { withCluster } from '../bench/lab-session.ts';
import { measureJournal, spreadCuts } from './cluster-crash.ts';
import { tryInterruptions } from './try-interruptions.ts';

const DEFAULT_POINTS = 16;

const [given] = process.argv.slice(2);
await withCluster(async (cluster, deps) => {
  const lines = await measureJournal(cluster, deps);
  const cuts = spreadCuts(lines, Number(given ?? DEFAULT_POINTS));
  await tryInterruptions(cluster, { cuts, lines, report: 'crash-clusters' }, deps);
});
