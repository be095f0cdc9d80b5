import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { once } from 'node:events';
import { connect, isIPv6 } from 'node:net';
import { decodeDnsMessage, type DnsMessage, encodeDnsQuery, questionOf } from '../dns/dns-message.ts';
import { HostError } from '../errors.ts';
import { errnoOf } from './fs-failure.ts';
import type { DnsAnswer, DnsQuery } from '../host.ts';

interface Server {
  readonly address: string;
  readonly port: number;
}

const DNS_PORT = 53;
const MAX_ID = 0x1_0000;
const UDP_ATTEMPTS = 2;
const RCODES: readonly string[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** One DNS query from this machine: over UDP, and again over TCP when truncated. */
export async function resolveLocally(query: DnsQuery): Promise<DnsAnswer> {
  const failures: unknown[] = [];
  for (const server of serversFor(query)) {
    query.signal?.throwIfAborted();
    try {
      return await ask(query, server);
    } catch (error) {
      query.signal?.throwIfAborted();
      failures.push(error);
    }
  }
  throw unanswered(query, failures[0]);
}

async function ask(query: DnsQuery, server: Server): Promise<DnsAnswer> {
  const id = randomInt(MAX_ID);
  const { name, type, recursive = true } = query;
  const packet = encodeDnsQuery({ id, name, type, recursive });
  const overUdp = await askOverUdp(packet, id, query, server);
  const message = overUdp.isTruncated ? await askOverTcp(packet, query, server) : overUdp;
  const { rcode, answers, authoritySection, isAuthoritative } = message;
  const code = RCODES[rcode] ?? `RCODE${rcode}`;
  const status =
    code === 'NXDOMAIN' ? 'no-name' : code !== 'NOERROR' ? 'other' : answers.length > 0 ? 'found' : 'no-data';
  return { status, code, authoritative: isAuthoritative, records: answers, authoritySection, server: format(server) };
}

/** UDP loses packets, so the query is sent again after half of the timeout. */
async function askOverUdp(packet: Buffer, id: number, query: DnsQuery, server: Server): Promise<DnsMessage> {
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  const signal = deadlineOf(query);
  let resend: NodeJS.Timeout | undefined;
  try {
    // Connected, so that the kernel reports refused packets and drops those of other senders.
    socket.connect(server.port, server.address);
    await once(socket, 'connect', { signal });
    socket.send(packet);
    resend = setTimeout(() => socket.send(packet), query.timeoutMs / UDP_ATTEMPTS);
    for (;;) {
      const [bytes] = (await once(socket, 'message', { signal })) as [Buffer];
      const message = decodeDnsMessage(bytes);
      if (message.id === id && isAnswerTo(query, message)) return message;
    }
  } finally {
    clearTimeout(resend);
    socket.close();
  }
}

async function askOverTcp(packet: Buffer, query: DnsQuery, server: Server): Promise<DnsMessage> {
  const socket = connect({ host: server.address, port: server.port, signal: deadlineOf(query) });
  try {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(packet.length);
    socket.write(Buffer.concat([length, packet]));
    let bytes = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE()) continue;
      const message = decodeDnsMessage(bytes.subarray(2, 2 + bytes.readUInt16BE()));
      if (isAnswerTo(query, message)) return message;
      break;
    }
    throw new RangeError('the connection ended without a response');
  } finally {
    socket.destroy();
  }
}

function isAnswerTo({ name, type }: DnsQuery, { isResponse, question }: DnsMessage): boolean {
  return isResponse && question === questionOf(name, type);
}

function serversFor({ server }: DnsQuery): readonly Server[] {
  if (server !== undefined) return [{ address: server.address, port: server.port ?? DNS_PORT }];
  return getServers().map((text) => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+|[^:]*:[^:]*:.*?))(?::(\d+))?$/.exec(text) ?? [];
    return { address: bracketed ?? plain ?? text, port: port === undefined ? DNS_PORT : Number(port) };
  });
}

function deadlineOf({ timeoutMs, signal }: DnsQuery): AbortSignal {
  const deadline = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
}

function format({ address, port }: Server): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

function unanswered(query: DnsQuery, cause: unknown): HostError {
  const [first] = serversFor(query);
  const where = first === undefined ? 'no resolver is configured' : format(first);
  const errno = errnoOf(cause);
  // Reading beyond the end of a packet is a RangeError too.
  const isMalformed = cause instanceof RangeError;
  const hasErrno = errno !== undefined && /^E(?!RR_)/.test(errno);
  const reason = isMalformed
    ? 'a malformed name or response'
    : hasErrno
      ? errno
      : `no response within ${query.timeoutMs} ms`;
  return new HostError({
    code: 'HOST_CONNECTION_FAILED',
    message: `cannot query ${where} for ${query.type} records: ${reason}`,
    subject: query.name,
    hint: 'check /etc/resolv.conf, and that no firewall blocks UDP and TCP port 53',
    cause,
  });
}
