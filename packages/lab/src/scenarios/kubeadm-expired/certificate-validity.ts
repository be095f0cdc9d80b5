import type { LabDeps } from '../../machine/lab-deps.ts';
import type { LeafCertificate } from './leaf-certificates.ts';

/** The paths of the leaves that openssl reports as expired. It ignores when they begin. */
export async function expiredAmong(
  leaves: readonly LeafCertificate[],
  { host, signal }: Pick<LabDeps, 'host' | 'signal'>,
): Promise<readonly string[]> {
  const verdicts = await Promise.all(
    leaves.map(async ({ certificate }) => {
      const argv = ['openssl', 'x509', '-noout', '-checkend', '0'] as const;
      return host.exec(argv, { timeoutMs: 10_000, input: certificate, signal });
    }),
  );
  return leaves.filter((_, index) => verdicts[index]?.exitCode !== 0).map(({ path }) => path);
}
