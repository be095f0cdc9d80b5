import type { LabDeps } from './lab-deps.ts';

/**
 * Runs tasks concurrently. The first failure aborts the others and is thrown once all have ended, so that no task runs
 * during the caller's clean-up.
 */
export async function runConcurrently<T>(
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
