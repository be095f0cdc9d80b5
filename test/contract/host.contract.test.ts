import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, type HostPath, hostPath } from '@kube-rescue/host';
import { createFakeHost, hostContract } from '@kube-rescue/testing';

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
