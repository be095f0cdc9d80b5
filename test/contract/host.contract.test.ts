import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, createSshHost, type HostPath, hostPath } from '@kube-rescue/host';
import {
  createFakeHost,
  hostContract,
  requireProgram,
  type RunningSshServer,
  startSshServer,
} from '@kube-rescue/testing';
import { afterAll, beforeAll, describe } from 'vitest';

/** A temporary folder, as this machine's kernel names it. */
async function temporaryFolder(): Promise<HostPath> {
  return hostPath(await realpath(await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'))));
}

hostContract('a machine in memory', async () => {
  const host = createFakeHost();
  const folder = hostPath('/var/test/folder');
  await host.makeDirectory(folder, { mode: 0o755 });
  return { host, folder, dispose: async () => undefined };
});

hostContract('this machine', async () => {
  const parent = await temporaryFolder();
  const folder = hostPath(`${parent}/folder`);
  await mkdir(folder);
  return { host: createLocalHost(), folder, dispose: () => rm(parent, { recursive: true }) };
});

hostContract("a copy of a machine's files", async () => {
  const root = await temporaryFolder();
  await mkdir(`${root}/var/test/folder`, { recursive: true });
  const dispose = (): Promise<void> => rm(root, { recursive: true });
  return { host: createLocalHost({ root }), folder: hostPath('/var/test/folder'), dispose };
});

describe.skipIf(!requireProgram('ssh', 'sshd'))('over SSH', () => {
  let server: RunningSshServer;
  beforeAll(async () => {
    server = await startSshServer();
  });
  afterAll(() => server.stop());

  hostContract(
    'another machine',
    async () => {
      const parent = await temporaryFolder();
      const folder = hostPath(`${parent}/folder`);
      await mkdir(folder);
      const { address, port, identityFile, knownHostsFile } = server;
      const host = await createSshHost({
        address,
        port,
        user: 'root',
        identityFile: hostPath(identityFile),
        knownHostsFile: hostPath(knownHostsFile),
      });
      const dispose = async (): Promise<void> => {
        await host.close();
        await rm(parent, { recursive: true });
      };
      return { host, folder, dispose };
    },
    { lacksDoors: true },
  );
});
