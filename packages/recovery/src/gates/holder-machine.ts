import { hostPath } from '@kube-rescue/host';
import { findNodeName, type Node } from '@kube-rescue/node';
import { componentOfProcess, type HolderMachine } from '@kube-rescue/pod-bootstrap';
import { readBootTime, startOf } from '@kube-rescue/static-manifests';

const HOSTNAME = hostPath('/proc/sys/kernel/hostname');

/** This node as a machine on which the holder of a leader lock may run. @throws as `findNodeName` */
export async function readHolderMachine(node: Node): Promise<HolderMachine> {
  const name = await findNodeName(await node.describe(), node);
  return {
    node: name,
    hostname: await readHostname(node),
    startsOf: async (component) => {
      const isOwn = (argv: readonly string[]): boolean => componentOfProcess(argv) === component;
      const processes = node.host.processes({ argv: isOwn });
      const [own, bootedAt] = await Promise.all([processes, readBootTime(node.host, node.clock)]);
      return bootedAt === undefined ? undefined : own.map((process) => startOf(process, bootedAt));
    },
  };
}

/** As Go's `os.Hostname` reads it; the name of the Node where it is unreadable. */
export async function readHostname(node: Node): Promise<string> {
  const bytes = await node.host.readFile(HOSTNAME);
  const name = bytes === undefined ? '' : Buffer.from(bytes).toString().trim();
  return name === '' ? findNodeName(await node.describe(), node) : name;
}
