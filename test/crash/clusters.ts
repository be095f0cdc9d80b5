import { withCluster } from '../bench/lab-session.ts';
import { measureJournal, spreadCuts } from './cluster-crash.ts';
import { tryCutOffs } from './try-cut-offs.ts';

const DEFAULT_POINTS = 16;

const [given] = process.argv.slice(2);
await withCluster(async (cluster, deps) => {
  const lines = await measureJournal(cluster, deps);
  const cuts = spreadCuts(lines, Number(given ?? DEFAULT_POINTS));
  await tryCutOffs(cluster, { cuts, lines, report: 'crash-clusters' }, deps);
});
