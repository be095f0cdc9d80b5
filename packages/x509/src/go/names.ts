import { DerReader } from './der-reader.ts';
import { refuse } from './rules.ts';

const TAG = { utf8: 0x0c, numeric: 0x12, printable: 0x13, t61: 0x14, ia5: 0x16, bmp: 0x1e } as const;

/** Go adds `*` and `&` to the PrintableString of X.680, which real CAs use. */
const PRINTABLE = /^[A-Za-z0-9'()+,\-./ :=?*&]*$/;

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** UCS-2: no surrogates and no code points that Unicode reserves as noncharacters. */
function isBmp(bytes: Uint8Array): boolean {
  if (bytes.length % 2 !== 0) return false;
  for (let at = 0; at < bytes.length; at += 2) {
    const point = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    if (point >= 0xfffe || (point >= 0xfdd0 && point <= 0xfdef) || (point >= 0xd800 && point <= 0xdfff)) return false;
  }
  return true;
}

/** Whether every byte is ASCII, as Go demands of an IA5String and of the names in extensions. */
export function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function isString(tag: number, value: Uint8Array): boolean {
  const text = (): string => Buffer.from(value).toString('latin1');
  switch (tag) {
    case TAG.utf8:
      return isUtf8(value);
    case TAG.printable:
      return PRINTABLE.test(text());
    case TAG.numeric:
      return /^[0-9 ]*$/.test(text());
    case TAG.ia5:
      return isAscii(value);
    case TAG.bmp:
      return isBmp(value);
    default:
      return tag === TAG.t61;
  }
}

/** Refuses a distinguished name that Go does not parse. @param name the whole RDNSequence */
export function checkName(name: Uint8Array): void {
  const sequence = new DerReader(name, 'name-malformed').enter(0x30);
  while (!sequence.isEmpty) {
    const set = sequence.enter(0x31);
    while (!set.isEmpty) {
      const attribute = set.enter(0x30);
      attribute.readOid();
      const { tag, content } = attribute.readAny();
      if (!isString(tag, content)) refuse('name-string');
    }
  }
}
