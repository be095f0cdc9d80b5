import type { Cluster, LabDeps } from '@kube-rescue/lab';
import path from 'node:path';
import { runCommand } from '../../packages/lab/src/machine/command.ts';
import { killContainers, resumeContainerd } from '../../packages/lab/src/machine/containerd.ts';
import { runOnNode } from '../../packages/lab/src/cluster/node-command.ts';
import { MOUNT_RUN } from '../../packages/lab/src/machine/node-namespaces.ts';
import { killService, startService, stopService } from '../../packages/lab/src/machine/services.ts';

/** A disk with the files of a node and etcd's data, whose power can be cut. */
export interface NodeDisk {
  /** From now on nothing reaches the disk; reads and writes fail. */
  cut(): Promise<void>;
  /** Kills all processes of the node, and restarts it from the content of the disk. */
  restart(): Promise<void>;
}

const DIRECTORIES = ['/etc/kubernetes', '/var/lib/etcd', '/var/lib/kube-rescue', '/var/lib/kubelet'] as const;
const SIZE = '1G';
/** ext4 keeps unflushed data in memory as long as possible, and does not flush replaced files by itself. */
const OPTIONS = 'commit=300,noauto_da_alloc';

/**
 * Perl, which every Debian has: writes a file without flushing it, and shuts the file system down without its journal
 * (`EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`), as the file system tests of Linux simulate a power cut.
 */
const CUT = `open(my $left, ">", "$ARGV[0]/unflushed") or die "open: $!";
print $left "left in memory" or die "write: $!";
close($left) or die "close: $!";
open(my $disk, "<", $ARGV[0]) or die "open: $!";
ioctl($disk, 0x8004587D, my $flags = pack("L", 2)) or die "shutdown: $!";`;

/** `sh -c` script: mounts the directories of the disk at $0 over those below $1. */
const BIND = `set -eu
disk=$0 root=$1; shift
for directory in "$@"; do mount --bind "$disk$directory" "$root$directory"; done`;

/** `sh -c` script: unmounts everything at or below the given directories, the last one first. */
const UNMOUNT = `set -eu
for directory in "$0" "$@"; do
  awk '{ print $5 }' /proc/self/mountinfo | { grep -E "^$directory(/|$)" || true; } | tac | while read -r point; do
    umount --lazy "$point"
  done
done`;

/** Moves the files of the node to a new disk, removed with the cluster. Leaves the node as after a power loss, kubelet stopped. */
export async function moveToDisk(cluster: Cluster, deps: LabDeps): Promise<NodeDisk> {
  const { node } = cluster;
  const files = path.join(node.directory, 'files');
  let times = 0;
  const image = (): string => path.join(node.directory, `disk-${times}.img`);
  const mountPoint = (): string => path.join(node.directory, `disk-${times}`);

  const mount = async (): Promise<void> => {
    const { stdout } = await runCommand(deps, ['losetup', '--find', '--show', image()]);
    const device = stdout.trim();
    await runCommand(deps, ['mkdir', mountPoint()]);
    // Once on the machine and once on the node: both mounts share the file system of the device.
    await runCommand(deps, ['mount', '-o', OPTIONS, device, mountPoint()]);
    await runOnNode(cluster, ['mount', '-o', OPTIONS, device, mountPoint()], deps);
    // The device is released with its last mount.
    await runCommand(deps, ['losetup', '--detach', device]);
  };
  const bind = async (): Promise<void> => {
    await runCommand(deps, ['sh', '-c', BIND, mountPoint(), files, ...DIRECTORIES]);
    await runOnNode(cluster, ['sh', '-c', BIND, mountPoint(), '', ...DIRECTORIES], deps);
    await runOnNode(cluster, ['mount', '--make-shared', '/var/lib/kubelet'], deps);
  };
  const unmount = async (): Promise<void> => {
    await runOnNode(cluster, ['sh', '-c', UNMOUNT, ...DIRECTORIES, mountPoint()], deps);
    await runCommand(deps, ['sh', '-c', UNMOUNT, ...DIRECTORIES.map((directory) => files + directory), mountPoint()]);
    // Labs that started meanwhile have a copy of the mount; removing the mount point unmounts it.
    await runCommand(deps, ['rmdir', mountPoint()]);
  };
  const powerOff = async (): Promise<void> => {
    await killContainers(node, deps);
    await stopService(node, 'containerd', deps);
    await runOnNode(cluster, ['sh', '-c', `umount --lazy /run\n${MOUNT_RUN}`], deps);
  };

  await stopService(node, 'kubelet', deps);
  await powerOff();
  await runCommand(deps, ['truncate', `--size=${SIZE}`, image()]);
  await runCommand(deps, ['mkfs.ext4', '-q', '-F', image()]);
  await mount();
  // Unmount the volumes of the kubelet's pods.
  await runOnNode(cluster, ['sh', '-c', UNMOUNT, ...DIRECTORIES.map((directory) => `${directory}/.*`)], deps);
  for (const directory of DIRECTORIES) {
    await runCommand(deps, ['mkdir', '--parents', mountPoint() + path.dirname(directory)]);
    await runCommand(deps, ['cp', '--archive', files + directory, mountPoint() + path.dirname(directory)]);
  }
  await runCommand(deps, ['sync', '--file-system', mountPoint()]);
  await bind();
  await resumeContainerd(node, deps);

  return {
    cut: async () => {
      await runCommand(deps, ['perl', '-e', CUT, mountPoint()]);
    },
    restart: async () => {
      await killService(node, 'kubelet', deps).catch(() => undefined);
      await powerOff();
      await unmount();
      const before = image();
      times += 1;
      await runCommand(deps, ['cp', '--sparse=always', before, image()]);
      await runCommand(deps, ['rm', before]);
      await mount();
      await assertUnflushedLost(mountPoint(), deps);
      await bind();
      await resumeContainerd(node, deps);
      await startService(node, 'kubelet', deps);
    },
  };
}

/** A power cut that keeps unflushed data would prove nothing. */
async function assertUnflushedLost(disk: string, deps: LabDeps): Promise<void> {
  const { exitCode } = await deps.host.exec(['test', '-s', path.join(disk, 'unflushed')], { timeoutMs: 5000 });
  if (exitCode === 0) throw new Error(`${disk} was flushed before its power was cut`);
}
