import { withCluster } from '../bench/lab-session.ts';
import { measureJournal, spreadInterruptions } from './cluster-crash.ts';
import { tryInterruptions } from './try-interruptions.ts';

const DEFAULT_POINTS = 16;

const [given] = process.argv.slice(2);
await withCluster(async (cluster, deps) => {
  const lines = await measureJournal(cluster, deps);
  const interruptions = spreadInterruptions(lines, Number(given ?? DEFAULT_POINTS));
  await tryInterruptions(cluster, { interruptions, lines, report: 'crash-clusters' }, deps);
});
