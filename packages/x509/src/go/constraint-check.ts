import type { GoCertificate } from './certificate.ts';
import type { AddressRange, NameConstraints, Subtrees } from './name-constraints.ts';
import { hostOfUri, isDomainName, splitMailbox } from './name-rules.ts';
import { refuse } from './rules.ts';

const RULE = 'name-constraints';

/** Whether a name is the constraint or below it; a constraint that begins with a dot is for names below alone. */
function isBelow(name: string, constraint: string): boolean {
  if (constraint === '') return true;
  const [lower, suffix] = [name.toLowerCase(), constraint.toLowerCase()];
  if (suffix.startsWith('.')) return lower.endsWith(suffix);
  return lower === suffix || lower.endsWith(`.${suffix}`);
}

/** A wildcard stands for the names of one level, so an excluded name of that level excludes the wildcard. */
function isExcludedWildcard(name: string, constraint: string): boolean {
  const parent = (text: string): string => (text.includes('.') ? text.slice(text.indexOf('.')).toLowerCase() : '');
  return name.startsWith('*') && parent(constraint) !== '' && parent(constraint) === parent(name);
}

function isInRange(address: Uint8Array, range: AddressRange): boolean {
  if (address.length !== range.address.length) return false;
  return address.every((byte, at) => ((byte ^ (range.address[at] ?? 0)) & (range.mask[at] ?? 0)) === 0);
}

function isMailboxBelow(mailbox: string, constraint: string): boolean {
  const parts = splitMailbox(mailbox);
  if (parts === undefined) return false;
  if (!constraint.includes('@')) return isBelow(parts.domain, constraint);
  const exact = splitMailbox(constraint);
  return exact?.local === parts.local && exact.domain === parts.domain;
}

/** The names that no permitted constraint of their form matches, or that an excluded one matches. */
function findForbidden<Name, Constraint>(
  names: readonly Name[],
  { permitted, excluded }: { readonly permitted: readonly Constraint[]; readonly excluded: readonly Constraint[] },
  rules: {
    readonly matches: (name: Name, constraint: Constraint) => boolean;
    readonly excludes?: (name: Name, constraint: Constraint) => boolean;
  },
): readonly Name[] {
  const { matches, excludes = matches } = rules;
  return names.filter(
    (name) =>
      (permitted.length > 0 && !permitted.some((constraint) => matches(name, constraint))) ||
      excluded.some((constraint) => excludes(name, constraint)),
  );
}

/** An address for text. */
function describeAddress(address: Uint8Array): string {
  if (address.length === 4) return [...address].join('.');
  return (Buffer.from(address).toString('hex').match(/.{4}/g) ?? []).join(':');
}

/** A URI is compared by its host, which must be a name. */
function hostOf(uri: string): string {
  const host = hostOfUri(uri)?.toLowerCase() ?? '';
  return host === '' || /^[\d.]+$/.test(host) ? refuse(RULE, uri) : host;
}

function checkAgainst({ names }: GoCertificate, constraints: NameConstraints): void {
  const of = <Form extends keyof Subtrees>(form: Form) => ({
    permitted: constraints.permitted[form],
    excluded: constraints.excluded[form],
  });
  const forbidden = [
    ...names.dns.filter((name) => !isDomainName(name, false)),
    ...findForbidden(names.dns, of('dns'), {
      matches: isBelow,
      excludes: (name, constraint) => isBelow(name, constraint) || isExcludedWildcard(name, constraint),
    }),
    ...findForbidden(names.ips, of('ips'), { matches: isInRange }).map(describeAddress),
    ...findForbidden(names.uris.map(hostOf), of('uris'), { matches: isBelow }),
    ...names.emails.filter((mailbox) => splitMailbox(mailbox) === undefined),
    ...findForbidden(names.emails, of('emails'), { matches: isMailboxBelow }),
  ];
  if (forbidden.length > 0) refuse(RULE, forbidden.join(', '));
}

/**
 * Refuses a chain in which a CA may not sign a name of a certificate below it; the common name never counts.
 *
 * @param chain the leaf first
 */
export function checkNameConstraints(chain: readonly GoCertificate[]): void {
  for (const [at, certificate] of chain.entries()) {
    for (const { nameConstraints } of chain.slice(at + 1)) {
      if (nameConstraints !== undefined) checkAgainst(certificate, nameConstraints);
    }
  }
}
