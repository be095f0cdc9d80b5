import type { Session } from './wiring.ts';

/** Warns about a serving certificate that the kubelet requests from the cluster and that is not good: no file here renews it. */
export async function warnOfRequestedServing({ node, reporter }: Session): Promise<void> {
  const { inspectCertificates } = await import('@kube-rescue/cert-rotation');
  const { inspectRequestedServing } = await import('@kube-rescue/cert-rotation/used');
  const inventory = await inspectCertificates((await node.describe()).inspection, node);
  const serving = await inspectRequestedServing(inventory, { now: node.clock.now() }, node);
  for (const { name, problems } of serving?.rows ?? []) {
    const [problem] = problems.filter(({ severity }) => severity === 'problem');
    if (problem !== undefined) reporter.warn(`${name} ${problem.message}; hint: ${problem.hint ?? ''}`);
  }
}
