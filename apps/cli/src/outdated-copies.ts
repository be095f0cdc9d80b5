import type { Session } from './wiring.ts';

/** Warns about old copies of the administrator's kubeconfig: kubectl fails with them. */
export async function warnOfOutdatedCopies({ node, reporter }: Session): Promise<void> {
  const { findOutdatedCopies } = await import('@kube-rescue/diagnosis');
  const { adminKubeconfig, adminContext } = await node.describe();
  const deps = { host: node.machine, now: node.clock.now() };
  const findings = await findOutdatedCopies(adminKubeconfig, deps, adminContext);
  for (const { summary, evidence, hint } of findings) {
    reporter.warn([summary, ...evidence, ...(hint === undefined ? [] : [`hint: ${hint}`])].join('; '));
  }
}
