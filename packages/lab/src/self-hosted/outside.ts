import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../cluster/deps.ts';
import { createNode, type LabCluster, machineOf } from '../cluster/lab-cluster.ts';
import { labDirectory, netnsName } from '../machine/lab-directory.ts';
import { startService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';
import { OUTSIDE, SHOP_NAME } from './layout.ts';

/** What lies outside of a cluster: AWS with its Route 53, and the part of the world's DNS that its zones indentText in. */
export interface OutsideWorld {
  /** `AWS_ENDPOINT_URL`. */
  readonly awsEndpoint: string;
  /** Where a recursive resolver answers, for example `10.200.0.53:5353`. */
  readonly resolver: string;
  /** On the machine, and seen by every node: an access key that may keep records, as the AWS command line prints it (0600). */
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

/** Starts the world outside on a machine of its own. It outlives whatever happens to the nodes. */
export async function startOutside(cluster: LabCluster, deps: LabDeps): Promise<void> {
  const machine = machineOf(cluster.id, OUTSIDE, cluster);
  const { node } = machine;
  const world = joinPath(node.folder, 'world.json');
  const { keysFile } = outsideWorld(cluster.id);
  const program = fileURLToPath(import.meta.resolve('@kube-rescue/local-aws/program'));
  await createNode(
    machine,
    // It is ended by force with the lab: what it keeps for a while has to go with the lab's folder.
    {
      services: [
        { name: SERVICE, program: `set -- env TMPDIR=${node.folder} ${execPath} ${program} ${world} ${keysFile}` },
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
    look: async () =>
      (await deps.host.stat(keysFile)) === undefined
        ? { waitingFor: `see ${joinPath(node.folder, `${SERVICE}.log`)}` }
        : { value: undefined },
  });
}

/** The folder `node_modules` that holds the AWS SDK, for a pod that runs a program which needs it. */
export function modulesDirectory(): HostPath {
  const resolved = fileURLToPath(import.meta.resolve('@aws-sdk/client-route-53'));
  const folder = '/node_modules/';
  return hostPath(resolved.slice(0, resolved.lastIndexOf(`${folder}@aws-sdk/`) + folder.length - 1));
}
