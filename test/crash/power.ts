import { withCluster } from '../bench/lab-session.ts';
import { type InterruptionPoint, measureJournal, spreadInterruptions } from './cluster-crash.ts';
import { moveToDisk } from './node-disk.ts';
import { tryInterruptions } from './try-interruptions.ts';

const DEFAULT_POINTS = 8;

const [given] = process.argv.slice(2);
await withCluster(async (cluster, deps) => {
  const disk = await moveToDisk(cluster, deps);
  const lines = await measureJournal(cluster, deps);
  const interruptions = spreadInterruptions(lines, Number(given ?? DEFAULT_POINTS));
  const powerCuts = interruptions.map((each): InterruptionPoint => ({ ...each, signal: 'power cut' }));
  await tryInterruptions(cluster, { interruptions: powerCuts, lines, options: { disk }, report: 'crash-power' }, deps);
});
