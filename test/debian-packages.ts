import { createLocalHost, systemClock } from '@kube-rescue/host';
import { LabError, provideDebianPackages } from '@kube-rescue/lab';

/**
 * The programs that the tests run: setfacl, setfattr, etcd and etcdctl, knot, openssl, flock, ssh and sshd, strace, systemd; the tools of the lab's
 * programs (ctr, ip, iptables, the CNI plugins); mkfs for disks that lose power; Go, whose judgement of certificates ours is
 * compared with; and what makes the one file and shows that it works: binutils, man, shells with completion, Debian 11, arm64.
 */
const PACKAGES = [
  ...['etcd-server', 'etcd-client', 'knot', 'openssl', 'util-linux', 'openssh-client', 'openssh-server'],
  ...['containerd', 'containernetworking-plugins', 'iproute2', 'iptables', 'e2fsprogs', 'procps', 'strace', 'systemd'],
  ...['acl', 'attr', 'golang-go'],
  ...['binutils', 'binutils-aarch64-linux-gnu', 'xz-utils', 'man-db', 'zsh', 'fish', 'debootstrap', 'qemu-user-static'],
];

/** Before all tests: installs missing packages, or prints the command. Tests that need a missing program report it. */
export async function setup(): Promise<void> {
  const onProgress = ({ message }: { readonly message: string }): boolean => process.stderr.write(`${message}\n`);
  try {
    await provideDebianPackages(PACKAGES, { host: createLocalHost(), clock: systemClock, onProgress });
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    process.stderr.write(`${error.message}\n  ${error.hint ?? ''}\n`);
  }
}
