import type { CertificateRow } from '@kube-rescue/cert-rotation';
import type { Cause } from '../cause.ts';

/**
 * The rows with the advice of the causes that name them, problem by problem: one certificate alone knows of its renewal, and not that
 * everything else has expired too, or that the clock is wrong.
 */
export function adviseRows(
  rows: readonly CertificateRow[],
  causes: readonly Pick<Cause, 'code' | 'hint' | 'certificates'>[],
): readonly CertificateRow[] {
  return rows.map((row) => {
    const named = causes.filter(({ certificates }) => certificates?.includes(row.id) === true);
    const problems = row.problems.map((problem) => ({
      ...problem,
      hint: named.find(({ code }) => code === problem.code)?.hint ?? problem.hint,
    }));
    return { ...row, problems };
  });
}
