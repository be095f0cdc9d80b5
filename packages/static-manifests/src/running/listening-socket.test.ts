import { createLocalHost, hostPath } from '@kube-rescue/host';
import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { findSocketOwner } from './listening-socket.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function listen(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Another process, which listens nowhere. */
async function otherProcess(): Promise<number> {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  cleanups.push(() => child.kill());
  return child.pid ?? 0;
}

describe('the listening socket behind an address', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::'])('belongs to the process that listens on %s', async (address) => {
    const port = await listen(address);
    const find = (pids: readonly number[]) => findSocketOwner({ address: '127.0.0.1', port, pids }, createLocalHost());
    expect(await find([process.pid])).toBe('owned');
    expect(await find([await otherProcess()])).toBe('foreign');
    expect(await find([await otherProcess(), process.pid])).toBe('owned');
  });

  it('is unknown when nothing listens, for IPv6, and for a process that is gone', async () => {
    const port = await listen('127.0.0.1');
    const host = createLocalHost();
    expect(await findSocketOwner({ address: '127.0.0.2', port, pids: [process.pid] }, host)).toBe('unknown');
    expect(await findSocketOwner({ address: '[::1]', port, pids: [process.pid] }, host)).toBe('unknown');
    expect(await findSocketOwner({ address: '127.0.0.1', port, pids: [4_000_000] }, host)).toBe('unknown');
  });

  it('is foreign when another process has the exact address, and the component every address', async () => {
    const line = (address: string, inode: number): string =>
      ` 0: ${address}:2811 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 ${inode} 1\n`;
    const host = createFakeHost({
      tree: treeOf({ '/proc/net/tcp': `header\n${line('00000000', 7)}${line('0100007F', 8)}` }),
    });
    const fake = {
      ...host,
      list: async () => ['3'],
      readLink: async () => 'socket:[7]',
    };
    const find = (address: string) => findSocketOwner({ address, port: 0x2811, pids: [1] }, fake);
    expect(await find('127.0.0.1')).toBe('foreign');
    expect(await find('10.0.0.1')).toBe('owned');
    expect(await host.readFile(hostPath('/proc/net/tcp'))).toBeDefined();
  });
});
