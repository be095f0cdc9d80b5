import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { createNode, type LabCluster, machineOf } from '../cluster/lab-cluster.ts';
import { labDirectory, netnsName } from '../machine/lab-directory.ts';
import { startService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';
import { OUTSIDE, SHOP_NAME } from './layout.ts';

/** The environment of a cluster: AWS with Route 53, and the DNS servers that delegate to its zones. */
export interface OutsideWorld {
  /** `AWS_ENDPOINT_URL`. */
  readonly awsEndpoint: string;
  /** The address of a recursive resolver, for example `10.200.0.53:5353`. */
  readonly resolver: string;
  /** An access key for Route 53 records, as the AWS command line prints it (0600); visible on every node. */
  readonly keysFile: HostPath;
}

const SERVICE = 'local-aws';
const DEADLINE_MS = 30_000;

export function outsideWorld(labId: string): OutsideWorld {
  return {
    awsEndpoint: `http://${OUTSIDE.address}:${OUTSIDE.awsPort}`,
    resolver: `${OUTSIDE.address}:${OUTSIDE.resolverPort}`,
    keysFile: joinPath(labDirectory(labId), OUTSIDE.name, 'aws-keys.json'),
  };
}

/** Starts AWS and the DNS servers on a separate machine, independent of the nodes. */
export async function startOutside(cluster: LabCluster, deps: LabDeps): Promise<void> {
  const machine = machineOf(cluster.id, OUTSIDE, cluster);
  const { node } = machine;
  const world = joinPath(node.directory, 'world.json');
  const { keysFile } = outsideWorld(cluster.id);
  const program = fileURLToPath(import.meta.resolve('@kube-rescue/local-aws/program'));
  await createNode(
    machine,
    // It is killed with the lab, so its temporary files must be in the lab's directory.
    {
      services: [
        { name: SERVICE, program: `set -- env TMPDIR=${node.directory} ${execPath} ${program} ${world} ${keysFile}` },
      ],
    },
    deps,
  );
  const second = `${OUTSIDE.parentAddress}/24`;
  await runCommand(deps, ['ip', '-n', netnsName(cluster.id, OUTSIDE.name), 'address', 'add', second, 'dev', 'eth0']);
  const { address, parentAddress, awsPort: port, resolverPort } = OUTSIDE;
  const zones = [SHOP_NAME.slice(SHOP_NAME.indexOf('.') + 1)];
  const text = JSON.stringify({ address, parentAddress, port, dnsPort: 53, resolverPort, zones });
  await deps.host.writeFile(world, Buffer.from(text), { mode: 0o600 });
  await startService(node, SERVICE, deps);
  await waitFor(deps, {
    subject: keysFile,
    deadlineMs: DEADLINE_MS,
    check: async () =>
      (await deps.host.stat(keysFile)) === undefined
        ? { waitingFor: `see ${joinPath(node.directory, `${SERVICE}.log`)}` }
        : { value: undefined },
  });
}

/** The `node_modules` directory with the AWS SDK, for pods that need it. */
export function modulesDirectory(): HostPath {
  const resolved = fileURLToPath(import.meta.resolve('@aws-sdk/client-route-53'));
  const directory = '/node_modules/';
  return hostPath(resolved.slice(0, resolved.lastIndexOf(`${directory}@aws-sdk/`) + directory.length - 1));
}
