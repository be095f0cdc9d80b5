import { createLocalHost, systemClock } from '@kube-rescue/host';
import { LabError, provideDebianPackages } from '@kube-rescue/lab';

/** Programs that the tests run for real: etcd and etcdctl, knot, openssl, flock, ssh and sshd. */
const PACKAGES = ['etcd-server', 'etcd-client', 'knot', 'openssl', 'util-linux', 'openssh-client', 'openssh-server'];

/** Before any test: installs what is missing, or says the one line that does. Tests that lack a part then speak for themselves. */
export async function setup(): Promise<void> {
  const onProgress = ({ message }: { readonly message: string }): boolean => process.stderr.write(`${message}\n`);
  try {
    await provideDebianPackages(PACKAGES, { host: createLocalHost(), clock: systemClock, onProgress });
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    process.stderr.write(`${error.message}\n  ${error.hint ?? ''}\n`);
  }
}
