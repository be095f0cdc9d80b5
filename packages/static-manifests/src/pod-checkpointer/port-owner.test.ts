import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createLocalHost, type ProcessInfo } from '@kube-rescue/host';
import { expect, it } from 'vitest';
import { findListener } from './port-owner.ts';

function withPid(pid: number): ProcessInfo {
  return { pid, argv: ['x'], startTicks: 1, cgroup: '' };
}

it('the process that listens on a port is found, not one that only runs', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = createLocalHost();
  const own = withPid(process.pid);
  expect(await findListener(port, [withPid(process.ppid), own], host)).toBe(own);
  expect(await findListener(port, [withPid(process.ppid)], host)).toBeUndefined();
  server.close();
  await once(server, 'close');
  expect(await findListener(port, [own], host)).toBeUndefined();
});
