import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createLocalHost,
  createReadCache,
  createSshHost,
  type HostPath,
  hostPath,
  systemClock,
} from '@kube-rescue/host';
import {
  createFakeHost,
  hostContract,
  requireProgram,
  type RunningSshServer,
  startSshServer,
} from '@kube-rescue/testing';
import { afterAll, beforeAll, describe } from 'vitest';

/** The real path of a new temporary directory. */
async function temporaryDirectory(): Promise<HostPath> {
  return hostPath(await realpath(await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'))));
}

hostContract('a machine in memory', async () => {
  const host = createFakeHost();
  const directory = hostPath('/var/test/directory');
  await host.makeDirectory(directory, { mode: 0o755 });
  return { host, directory, dispose: async () => undefined };
});

hostContract('a machine whose reads are remembered', async () => {
  const { host } = createReadCache({ host: createFakeHost(), clock: systemClock });
  const directory = hostPath('/var/test/directory');
  await host.makeDirectory(directory, { mode: 0o755 });
  return { host, directory, dispose: async () => undefined };
});

hostContract('this machine', async () => {
  const parent = await temporaryDirectory();
  const directory = hostPath(`${parent}/directory`);
  await mkdir(directory);
  return { host: createLocalHost(), directory, dispose: () => rm(parent, { recursive: true }) };
});

hostContract("a copy of a machine's files", async () => {
  const root = await temporaryDirectory();
  await mkdir(`${root}/var/test/directory`, { recursive: true });
  const dispose = (): Promise<void> => rm(root, { recursive: true });
  return { host: createLocalHost({ root }), directory: hostPath('/var/test/directory'), dispose };
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
      const parent = await temporaryDirectory();
      const directory = hostPath(`${parent}/directory`);
      await mkdir(directory);
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
      return { host, directory, dispose };
    },
    { lacksSockets: true },
  );
});
