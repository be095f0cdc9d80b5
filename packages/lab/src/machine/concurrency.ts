import type { LabDeps } from '../cluster/deps.ts';

/**
 * Runs tasks side by side. When one fails the others are aborted, and the failure is told only when all have ended: a
 * clean-up that follows then works against nobody.
 */
export async function runTogether<T>(
  deps: LabDeps,
  tasks: readonly ((deps: LabDeps) => Promise<T>)[],
): Promise<readonly T[]> {
  const group = new AbortController();
  const signal = deps.signal === undefined ? group.signal : AbortSignal.any([deps.signal, group.signal]);
  let first: { readonly error: unknown } | undefined;
  const results = await Promise.allSettled(
    tasks.map((task) =>
      task({ ...deps, signal }).catch((error: unknown) => {
        first ??= { error };
        group.abort(error);
        throw error;
      }),
    ),
  );
  if (first !== undefined) throw first.error;
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
