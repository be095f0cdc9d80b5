import { assertCgroups } from './cgroups.ts';
import { CLUSTER_PACKAGES, provideDebianPackages } from './debian-packages.ts';
import type { LabDeps } from '../cluster/deps.ts';
import { LabError } from '../errors.ts';

/**
 * Makes sure that this machine can run a lab, and installs the Debian packages that it lacks for it.
 *
 * Call it before anything that takes long; `createCluster` calls it too. What it installs stays installed.
 *
 * @throws LabError `LAB_PACKAGES_MISSING` (with the one line that installs them) `LAB_PACKAGES_NOT_INSTALLED`
 * `LAB_NOT_ROOT` `LAB_MACHINE_UNSUPPORTED`
 */
export async function equipMachine(deps: LabDeps): Promise<void> {
  await equipWith(CLUSTER_PACKAGES, deps);
}

/** As {@link equipMachine}, for a cluster that needs other packages. */
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
    message: 'a lab makes namespaces, mounts and control groups, which only root may do',
    subject: `user ${host.userId()}`,
    hint: 'run it with sudo',
  });
}
