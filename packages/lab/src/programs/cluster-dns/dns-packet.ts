/** The subset of DNS (RFC 1035) for a server of addresses. */
export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
type Rcode = (typeof RCODE)[keyof typeof RCODE];

export const TYPE_A = 1;
const TYPE_SOA = 6;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const RESPONSE = 0x8000;
const AUTHORITATIVE = 0x0400;
const OPCODE = 0x7800;
const RECURSION_DESIRED = 0x0100;
const LONGEST_LABEL = 63;

export interface Question {
  readonly id: number;
  readonly flags: number;
  /** Lower case, without the last dot. */
  readonly name: string;
  readonly type: number;
  readonly klass: number;
  /** The raw question, to be sent back. */
  readonly bytes: Buffer;
}

export interface Answer {
  readonly rcode: Rcode;
  readonly addresses: readonly string[];
  /** Time to live, in seconds. */
  readonly ttl: number;
  /** The zone of the SOA record in a negative answer. */
  readonly zone?: string | undefined;
}

/** @throws RangeError when the message is not a query with one question */
export function decodeQuestion(message: Buffer): Question {
  const flags = message.readUInt16BE(2);
  if ((flags & RESPONSE) !== 0 || message.readUInt16BE(4) !== 1) throw new RangeError('not a query with one question');
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message.readUInt8(at); length !== 0; length = message.readUInt8(at)) {
    if (length > LONGEST_LABEL || at + 1 + length >= message.length) throw new RangeError('a label is truncated');
    labels.push(message.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  const type = message.readUInt16BE(at + 1);
  const klass = message.readUInt16BE(at + 3);
  const bytes = message.subarray(HEADER_BYTES, at + 5);
  return { id: message.readUInt16BE(0), flags, name: labels.join('.'), type, klass, bytes };
}

/** Whether the server supports the question: a standard query of the Internet class. */
export function isStandard({ flags, klass }: Question): boolean {
  return (flags & OPCODE) === 0 && klass === CLASS_IN;
}

export function encodeAnswer(question: Question, { rcode, addresses, ttl, zone }: Answer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const authority = zone === undefined || addresses.length > 0 ? [] : [encodeStart(zone, ttl)];
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(RESPONSE | AUTHORITATIVE | (question.flags & (OPCODE | RECURSION_DESIRED)) | rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  header.writeUInt16BE(authority.length, 8);
  const records = addresses.map((address) => encodeRecord(pointerToQuestion(), TYPE_A, ttl, addressBytes(address)));
  return Buffer.concat([header, question.bytes, ...records, ...authority]);
}

/** The zone's SOA record, which carries the negative TTL. */
function encodeStart(zone: string, ttl: number): Buffer {
  const numbers = Buffer.alloc(20);
  for (const [index, value] of [1, 7200, 1800, 86_400, ttl].entries()) numbers.writeUInt32BE(value, index * 4);
  const data = Buffer.concat([encodeName(`ns.dns.${zone}`), encodeName(`hostmaster.${zone}`), numbers]);
  return encodeRecord(encodeName(zone), TYPE_SOA, ttl, data);
}

function encodeRecord(name: Buffer, type: number, ttl: number, data: Buffer): Buffer {
  const middle = Buffer.alloc(10);
  middle.writeUInt16BE(type, 0);
  middle.writeUInt16BE(CLASS_IN, 2);
  middle.writeUInt32BE(ttl, 4);
  middle.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, middle, data]);
}

function encodeName(name: string): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function pointerToQuestion(): Buffer {
  return Buffer.from([0xc0, HEADER_BYTES]);
}

function addressBytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}
