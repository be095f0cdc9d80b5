import { createLocalHost, systemClock } from '@kube-rescue/host';
import { LabError, provideDebianPackages } from '@kube-rescue/lab';

/**
 * Programs that the tests run for real: etcd and etcdctl, knot, openssl, flock, ssh and sshd, systemd; what the programs of
 * the lab's cluster use (ctr, ip, iptables, the CNI plugins); and what makes a disk that loses its power.
 */
const PACKAGES = [
  ...['etcd-server', 'etcd-client', 'knot', 'openssl', 'util-linux', 'openssh-client', 'openssh-server'],
  ...['containerd', 'containernetworking-plugins', 'iproute2', 'iptables', 'e2fsprogs', 'procps', 'systemd'],
];

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
