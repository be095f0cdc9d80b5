import { createLocalHost } from '@kube-rescue/host';
import { listLeftovers } from '@kube-rescue/lab';
import { afterEach, beforeAll, expect } from 'vitest';
import { runCli } from '../../apps/cli/src/cli-process.fixture.ts';

/** Labs of somebody else on this machine, whose owner lives. */
const others = new Set<string>();

/** What labs have left on the machine, those of others aside. */
export async function findTraces(): Promise<readonly unknown[]> {
  const found = await listLeftovers({ host: createLocalHost() });
  return found.filter(({ labId }) => !others.has(labId));
}

/** Begins without leftovers of earlier labs, and fails every test that leaves any. */
export function assertNoTraces(): void {
  beforeAll(async () => {
    await runCli(['drill', '--clean']);
    for (const { labId } of await listLeftovers({ host: createLocalHost() })) others.add(labId);
  });
  afterEach(async () => {
    expect(await findTraces()).toEqual([]);
  });
}
