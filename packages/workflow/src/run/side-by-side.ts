import type { Step } from '../plan/step.ts';

/**
 * Runs steps side by side, each once the earlier ones of the list that it requires are done, and waits until all have ended. A step
 * is not begun when one that it requires was not done.
 *
 * @param run whether the step is done; must not reject
 * @returns whether all are done
 */
export async function runSideBySide<S extends Pick<Step, 'id' | 'requires'>>(
  steps: readonly S[],
  run: (step: S) => Promise<boolean>,
): Promise<boolean> {
  const ends = new Map<string, Promise<boolean>>();
  for (const step of steps) {
    const before = step.requires.flatMap((id) => ends.get(id) ?? []);
    ends.set(
      step.id,
      runAfter(before, () => run(step)),
    );
  }
  return (await Promise.all(ends.values())).every(Boolean);
}

async function runAfter(before: readonly Promise<boolean>[], run: () => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(before)).every(Boolean) ? run() : false;
}
