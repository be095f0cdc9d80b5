import { createLocalHost } from '@kube-rescue/host';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { encodeDnsQuery } from '../../packages/host/src/dns/dns-message.ts';
import type { FuzzTarget } from './fuzz-target.ts';

const QUERY = { name: 'shop.example.test', type: 'A' } as const;
/** Timeout when the answer is ignored. */
const TIMEOUT_MS = 20;

/** A name server that answers every query with the input, with the matching id. */
export const answerDns: Pick<FuzzTarget, 'corpus' | 'run'> = {
  corpus: async () => {
    const query = encodeDnsQuery({ ...QUERY, id: 0, recursive: true });
    const answer = Buffer.from('c00c000100010000003c0004c0000201', 'hex');
    const alias = Buffer.from('c00c000500010000003c0006037777770cc00c', 'hex');
    return [0, 1, 2].map((count) => {
      const message = Buffer.concat([query, ...[answer, alias].slice(0, count)]);
      message[2] = 0x84;
      message.writeUInt16BE(count, 6);
      return message;
    });
  },
  run: async (input) => {
    const server = createSocket('udp4').bind(0, '127.0.0.1');
    await once(server, 'listening');
    server.on('message', (query: Buffer, { port, address }) => {
      const reply = Buffer.from(input);
      if (reply.length >= 2) query.copy(reply, 0, 0, 2);
      server.send(reply, port, address);
    });
    try {
      const { address, port } = server.address();
      await createLocalHost().resolveDns({ ...QUERY, server: { address, port }, timeoutMs: TIMEOUT_MS });
    } finally {
      server.close();
    }
  },
};
