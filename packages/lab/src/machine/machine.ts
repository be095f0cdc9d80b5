import { assertCgroups } from './cgroups.ts';
import { CLUSTER_PACKAGES, provideDebianPackages } from './debian-packages.ts';
import type { LabDeps } from './lab-deps.ts';
import { LabError } from '../errors.ts';

/**
 * Verifies that this machine can run a lab, and installs missing Debian packages.
 *
 * Call it before long work; `createCluster` calls it too. Installed packages stay.
 *
 * @throws LabError `LAB_PACKAGES_MISSING` (with the command that installs them) `LAB_PACKAGES_NOT_INSTALLED`
 * `LAB_NOT_ROOT` `LAB_MACHINE_UNSUPPORTED`
 */
export async function equipMachine(deps: LabDeps): Promise<void> {
  await equipWith(CLUSTER_PACKAGES, deps);
}

/** As {@link equipMachine}, with other packages. */
export async function equipWith(packages: readonly string[], deps: LabDeps): Promise<void> {
  await provideDebianPackages(packages, deps);
  assertRoot(deps);
  await assertCgroups(deps);
}

/** @throws LabError `LAB_NOT_ROOT` */
export function assertRoot({ host }: LabDeps): void {
  if (host.userId() === 0) return;
  throw new LabError({
    code: 'LAB_NOT_ROOT',
    message: 'creating a lab needs root: it creates namespaces, mounts and control groups',
    subject: `user ${host.userId()}`,
    hint: 'run it with sudo',
  });
}
