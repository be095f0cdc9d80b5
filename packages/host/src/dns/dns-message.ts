import type { DnsRecord, DnsRecordType } from '../host.ts';

/** A decoded DNS message; RFC 1035, section 4. */
export interface DnsMessage {
  readonly id: number;
  readonly isResponse: boolean;
  readonly isAuthoritative: boolean;
  /** Truncated; the caller must query again over TCP. */
  readonly isTruncated: boolean;
  readonly rcode: number;
  /** `name type` of the question, for comparison with the query. */
  readonly question: string;
  readonly answers: readonly DnsRecord[];
  readonly authoritySection: readonly DnsRecord[];
}

const TYPE_NUMBERS: Readonly<Record<DnsRecordType, number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28 };
const TYPE_NAMES = new Map(Object.entries(TYPE_NUMBERS).map(([name, number]) => [number, name]));
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;

/** `name type`, as in {@link DnsMessage}; for a name with or without its last dot. */
export function questionOf(name: string, type: string): string {
  return `${name.replace(/\.$/, '').toLowerCase()} ${type}`;
}

/**
 * Encodes a query.
 * @throws RangeError for an invalid DNS name
 */
export function encodeDnsQuery(query: {
  readonly id: number;
  readonly name: string;
  readonly type: DnsRecordType;
  readonly recursive: boolean;
}): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(query.recursive ? RECURSION_DESIRED : 0, 2);
  header.writeUInt16BE(1, 4);
  const labels = query.name
    .replace(/\.$/, '')
    .split('.')
    .filter((label, _, all) => label !== '' || all.length > 1)
    .map((label) => Buffer.from(label, 'latin1'));
  const length = labels.reduce((sum, label) => sum + label.length + 1, 1);
  if (length > MAX_NAME_BYTES || labels.some((label) => label.length === 0 || label.length > MAX_LABEL_BYTES)) {
    throw new RangeError('not a DNS name');
  }
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), label]);
  const end = Buffer.alloc(5);
  end.writeUInt16BE(TYPE_NUMBERS[query.type], 1);
  end.writeUInt16BE(CLASS_IN, 3);
  return Buffer.concat([header, ...parts, end]);
}

/**
 * Decodes an untrusted message.
 * @throws RangeError when it is malformed: truncated, or with a compression loop
 */
export function decodeDnsMessage(bytes: Buffer): DnsMessage {
  const flags = bytes.readUInt16BE(2);
  const [questions = 0, answers = 0, authority = 0] = [4, 6, 8].map((at) => bytes.readUInt16BE(at));
  let at = HEADER_BYTES;
  let question = '';
  for (let index = 0; index < questions; index += 1) {
    const { name, end } = readName(bytes, at);
    question = questionOf(name, typeName(bytes.readUInt16BE(end)));
    at = end + 4;
  }
  const readRecords = (count: number): readonly DnsRecord[] => {
    const records: DnsRecord[] = [];
    for (let index = 0; index < count; index += 1) {
      const { record, end } = readRecord(bytes, at);
      records.push(record);
      at = end;
    }
    return records;
  };
  return {
    id: bytes.readUInt16BE(0),
    isResponse: (flags & 0x8000) !== 0,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    rcode: flags & 0x000f,
    question,
    answers: readRecords(answers),
    authoritySection: readRecords(authority),
  };
}

function readRecord(bytes: Buffer, start: number): { readonly record: DnsRecord; readonly end: number } {
  const { name, end: at } = readName(bytes, start);
  const type = typeName(bytes.readUInt16BE(at));
  const from = at + 10;
  const end = from + bytes.readUInt16BE(at + 8);
  if (end > bytes.length) throw new RangeError('a record goes on beyond the message');
  return { record: { name, type, ttl: bytes.readUInt32BE(at + 4), value: readValue(bytes, type, from, end) }, end };
}

function readValue(bytes: Buffer, type: string, from: number, end: number): string {
  switch (type) {
    case 'A':
      if (end - from !== 4) throw new RangeError('an address of another length');
      return [...bytes.subarray(from, end)].join('.');
    case 'AAAA':
      if (end - from !== 16) throw new RangeError('an address of another length');
      return formatIpv6(bytes.subarray(from, end));
    case 'CNAME':
    case 'NS':
      return readName(bytes, from).name;
    case 'SOA': {
      const primary = readName(bytes, from);
      return `${primary.name} ${bytes.readUInt32BE(readName(bytes, primary.end).end)}`;
    }
    case 'TXT': {
      const pieces: string[] = [];
      for (let at = from; at < end; at += 1 + bytes.readUInt8(at)) {
        pieces.push(bytes.toString('utf8', at + 1, Math.min(at + 1 + bytes.readUInt8(at), end)));
      }
      return pieces.join('');
    }
    default:
      return '';
  }
}

/** A compression pointer may only point back, so that decoding terminates. */
function readName(bytes: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  let end: number | undefined;
  let nameBytes = 0;
  for (;;) {
    const length = bytes.readUInt8(at);
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: end ?? at + 1 };
    if (length <= MAX_LABEL_BYTES) {
      if (at + 1 + length > bytes.length) throw new RangeError('a name goes on beyond the message');
      labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
      nameBytes += 1 + length;
      // Pointers make a long name of few bytes, in every record.
      if (nameBytes >= MAX_NAME_BYTES) throw new RangeError('a name longer than 255 bytes');
      continue;
    }
    const target = bytes.readUInt16BE(at) & 0x3fff;
    if (target >= at) throw new RangeError('a name that points forward');
    end ??= at + 2;
    at = target;
  }
}

function typeName(number: number): string {
  return TYPE_NAMES.get(number) ?? `TYPE${number}`;
}

/** An address as in RFC 5952: the longest run of zeros is `::`, as in a URL. */
function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: bytes.length >> 1 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
