import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { type Answer, decodeQuestion, encodeAnswer, isStandard, type Question, RCODE } from './dns-packet.ts';

export type Responder = (question: Question) => Answer;

/** A port that is free over UDP may be taken over TCP. */
const ATTEMPTS = 20;

/**
 * Serves DNS over UDP and TCP. Invalid queries are dropped.
 * @param port 0: any port that is free over both
 * @returns the port in use
 */
export async function serveDns(address: string, port: number, respond: Responder): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await serveOnce(address, port, respond);
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (port !== 0 || !isTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

async function serveOnce(address: string, port: number, respond: Responder): Promise<number> {
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (message, { address: from, port: to }) => {
    const response = respondTo(message, respond);
    if (response !== undefined) udp.send(response, to, from);
  });
  await new Promise<void>((resolve, reject) => {
    udp.once('error', reject);
    udp.bind(port, address, resolve);
  });
  const taken = udp.address().port;
  const tcp = createServer((socket) => serveConnection(socket, respond));
  await new Promise<void>((resolve, reject) => {
    tcp.once('error', (error) => {
      udp.close();
      reject(error);
    });
    tcp.listen(taken, address, resolve);
  });
  return taken;
}

function respondTo(message: Buffer, respond: Responder): Buffer | undefined {
  let question: Question;
  try {
    question = decodeQuestion(message);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const refusal: Answer = { rcode: RCODE.NOTIMP, addresses: [], ttl: 0 };
  return encodeAnswer(question, isStandard(question) ? respond(question) : refusal);
}

/** Over TCP a length precedes each message (RFC 1035, 4.2.2). */
function serveConnection(socket: Socket, respond: Responder): void {
  let waiting = Buffer.alloc(0);
  socket.setTimeout(10_000, () => socket.destroy());
  // Clients may disconnect at any time.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
      const end = 2 + waiting.readUInt16BE(0);
      const response = respondTo(waiting.subarray(2, end), respond);
      waiting = waiting.subarray(end);
      if (response === undefined) {
        socket.destroy();
        return;
      }
      const length = Buffer.alloc(2);
      length.writeUInt16BE(response.length);
      socket.write(Buffer.concat([length, response]));
    }
  });
}
