import { DER_TAG, readDerElements, readDerSequence } from '../encoding/der.ts';
import type { Certificate } from './certificate.ts';

/** What Kubernetes takes from the subject of a client certificate. */
export interface SubjectIdentity {
  /** Every common name; the API server takes the last one as the user, Go's `pkix.Name`. */
  readonly commonNames: readonly string[];
  /** The organizations: the user's groups. */
  readonly organizations: readonly string[];
  /** Object identifiers, in hexadecimal, of the other attributes; and what cannot be decoded. */
  readonly others: readonly string[];
}

const COMMON_NAME = '550403';
const ORGANIZATION = '55040a';

/** The text of a DirectoryString (RFC 5280 section 4.1.2.4); `undefined` for another type, or bytes that do not fit it. */
function decodeText(tag: number, content: Uint8Array): string | undefined {
  const bytes = Buffer.from(content);
  switch (tag) {
    case 0x0c:
      return decodeWith('utf-8', bytes);
    case 0x12:
    case 0x13:
    case 0x16:
      return bytes.every((byte) => byte < 0x80) ? bytes.toString('latin1') : undefined;
    case 0x14:
      return bytes.toString('latin1');
    case 0x1e:
      return bytes.length % 2 === 0 ? decodeWith('utf-16be', bytes) : undefined;
    default:
      return undefined;
  }
}

function decodeWith(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Reads the subject from its DER: every attribute of every relative distinguished name, of more than one value too.
 *
 * @throws X509Error `PKI_CERTIFICATE_INVALID`
 */
export function readSubject({ subjectDer }: Pick<Certificate, 'subjectDer'>): SubjectIdentity {
  const commonNames: string[] = [];
  const organizations: string[] = [];
  const others: string[] = [];
  for (const name of readDerSequence(subjectDer)) {
    for (const attribute of readDerElements(name.content)) {
      const [type, value] = readDerSequence(attribute.bytes);
      const oid = type?.tag === DER_TAG.oid ? Buffer.from(type.content).toString('hex') : '';
      const text = value === undefined ? undefined : decodeText(value.tag, value.content);
      if (oid === COMMON_NAME && text !== undefined) commonNames.push(text);
      else if (oid === ORGANIZATION && text !== undefined) organizations.push(text);
      else others.push(oid);
    }
  }
  return { commonNames, organizations, others };
}

/** Whether an attribute of {@link SubjectIdentity.others} is a common name or organization of an unreadable type. */
export function isUnreadableName(oid: string): boolean {
  return oid === COMMON_NAME || oid === ORGANIZATION || oid === '';
}
