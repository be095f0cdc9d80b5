import { describe, expect, it } from 'vitest';
import { withCluster } from '../bench/lab-session.ts';
import { measureJournal, spreadInterruptions, tryInterruption } from '../crash/cluster-crash.ts';
import { expectNoTraces } from './lab-traces.fixture.ts';

/** As many as run in a few minutes; `npm run test:e2e:crash` tries more. */
const POINTS = 6;

describe('an interrupted recovery of a real cluster', () => {
  it(`ends well from each of ${POINTS} points, by resume or rollback, and leaves nothing behind`, async () => {
    const lab = await withCluster(async (cluster, deps) => {
      const lines = await measureJournal(cluster, deps);
      const reports = [];
      for (const point of spreadInterruptions(lines, POINTS)) reports.push(await tryInterruption(cluster, point, deps));
      expect(reports.filter(({ ended }) => ended === 'lost')).toEqual([]);
      expect(reports.map(({ ended }) => ended)).toContain('rolledBack');
      return cluster.id;
    });
    await expectNoTraces([lab]);
  });
});
