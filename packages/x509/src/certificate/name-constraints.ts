import { DER_TAG, type DerElement, readDerElements, readDerSequence } from '../encoding/der.ts';
import type { Certificate } from './certificate.ts';
import { formatIpAddress } from './ip-address.ts';

/** 2.5.29.30 (RFC 5280 section 4.2.1.10) */
const NAME_CONSTRAINTS = '551d1e';
const SUBJECT_ALT_NAME = '551d11';
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;
/** The kinds of a GeneralName that Go evaluates, by their tags. */
const KINDS: Readonly<Record<number, string>> = { 0x81: 'email', 0x82: 'DNS', 0x86: 'URI', 0x87: 'IP' };

interface Constraints {
  readonly permitted: readonly DerElement[];
  readonly excluded: readonly DerElement[];
  readonly isCritical: boolean;
}

function readConstraints({ extensions }: Certificate): Constraints | undefined {
  const extension = extensions.find(({ oid }) => oid === NAME_CONSTRAINTS);
  if (extension === undefined) return undefined;
  const parts = readDerSequence(extension.value);
  const basesOf = (tag: number): readonly DerElement[] =>
    parts
      .filter((part) => part.tag === tag)
      .flatMap(({ content }) => readDerElements(content))
      .flatMap(({ bytes }) => readDerSequence(bytes).slice(0, 1));
  return { permitted: basesOf(PERMITTED), excluded: basesOf(EXCLUDED), isCritical: extension.critical };
}

/** Whether the constraints of a CA are of a kind that Go refuses as a whole: critical, and on directory or other names. */
export function hasUnknownConstraints(ca: Certificate): boolean {
  const constraints = readConstraints(ca);
  if (constraints?.isCritical !== true) return false;
  return [...constraints.permitted, ...constraints.excluded].some(({ tag }) => KINDS[tag] === undefined);
}

/**
 * The subject alternative names, for example `DNS:cp1`, that the name constraints of a CA do not permit, as Go's
 * `crypto/x509` judges (constraints.go): the common name never counts, a kind of name without constraints is permitted.
 *
 * @param names GeneralNames in DER
 * @throws X509Error `PKI_CERTIFICATE_INVALID`
 */
export function findForbiddenNames(ca: Certificate, names: readonly DerElement[]): readonly string[] {
  const constraints = readConstraints(ca);
  if (constraints === undefined) return [];
  return names.filter((name) => !isPermitted(name, constraints)).map(describeName);
}

function isPermitted(name: DerElement, { permitted, excluded }: Constraints): boolean {
  const alike = (base: DerElement): boolean => base.tag === name.tag;
  if (KINDS[name.tag] === undefined) return true;
  if (excluded.filter(alike).some((base) => matches(name, base, true))) return false;
  const allowed = permitted.filter(alike);
  return allowed.length === 0 || allowed.some((base) => matches(name, base, false));
}

/** @param whenUnknown the answer for a name or constraint that cannot be read: it must not permit anything */
function matches(name: DerElement, base: DerElement, whenUnknown: boolean): boolean {
  const [text, limit] = [textOf(name), textOf(base)];
  switch (name.tag) {
    case 0x82:
      return isBelow(text, limit, whenUnknown);
    case 0x87:
      return isInNetwork(name.content, base.content, whenUnknown);
    case 0x81:
      return limit.includes('@')
        ? isSameMailbox(text, limit)
        : isBelow(text.slice(text.lastIndexOf('@') + 1), limit, whenUnknown);
    default: {
      const host = URL.canParse(text) ? new URL(text).hostname : '';
      return host === '' ? whenUnknown : isBelow(host, limit, whenUnknown);
    }
  }
}

function textOf({ content }: DerElement): string {
  return Buffer.from(content).toString('latin1');
}

/** Go's matchDomainConstraint: an empty constraint is every domain, a dot at its start demands a name below it. */
function isBelow(name: string, limit: string, whenUnknown: boolean): boolean {
  if (limit === '') return true;
  const [domain, top] = [name.toLowerCase(), limit.toLowerCase()];
  if (domain === '' || domain.endsWith('.') || domain.startsWith('.')) return whenUnknown;
  if (top.startsWith('.')) return domain.endsWith(top) && domain.length > top.length;
  // A wildcard stands for every name of its parent.
  if (domain.startsWith('*.') && whenUnknown && `.${top}`.endsWith(domain.slice(1))) return true;
  return domain === top || domain.endsWith(`.${top}`);
}

function isSameMailbox(name: string, limit: string): boolean {
  const [at, of] = [name.lastIndexOf('@'), limit.lastIndexOf('@')];
  return name.slice(0, at) === limit.slice(0, of) && name.slice(at).toLowerCase() === limit.slice(of).toLowerCase();
}

function isInNetwork(address: Uint8Array, network: Uint8Array, whenUnknown: boolean): boolean {
  if (![8, 32].includes(network.length)) return whenUnknown;
  if (network.length !== address.length * 2) return false;
  return address.every((byte, at) => {
    const mask = network[address.length + at] ?? 0;
    return (byte & mask) === ((network[at] ?? 0) & mask);
  });
}

function describeName({ tag, content }: DerElement): string {
  const text = tag === 0x87 ? formatIpAddress(content) : Buffer.from(content).toString('latin1');
  return `${KINDS[tag]}:${text}`;
}

/** The subject alternative names of a certificate, in DER. */
export function subjectAltNames({ extensions }: Certificate): readonly DerElement[] {
  const extension = extensions.find(({ oid }) => oid === SUBJECT_ALT_NAME);
  const [names] = extension === undefined ? [] : readDerElements(extension.value);
  return names?.tag === DER_TAG.sequence ? readDerElements(names.content) : [];
}
