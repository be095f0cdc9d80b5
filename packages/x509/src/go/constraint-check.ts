import { formatIpAddress } from '../certificate/ip-address.ts';
import { isExcludedAddress, isPermittedAddress } from './address-ranges.ts';
import type { GoCertificate } from './certificate.ts';
import type { SubjectNames } from './extensions.ts';
import type { AddressRange, NameConstraints, Subtrees } from './name-constraints.ts';
import { hostOfUri, isDomainName, splitMailbox } from './name-rules.ts';
import { refuse } from './rules.ts';

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

function isMailboxBelow(mailbox: string, constraint: string): boolean {
  const parts = splitMailbox(mailbox);
  if (parts === undefined) return false;
  if (!constraint.includes('@')) return isBelow(parts.domain, constraint);
  const exact = splitMailbox(constraint);
  return exact?.local === parts.local && exact.domain === parts.domain;
}

interface Limits<Constraint> {
  readonly permitted: readonly Constraint[];
  readonly excluded: readonly Constraint[];
}

interface Rules<Name, Constraint> {
  readonly permits: (name: Name, permitted: readonly Constraint[]) => boolean;
  readonly excludes: (name: Name, excluded: readonly Constraint[]) => boolean;
}

const ADDRESSES: Rules<Uint8Array, AddressRange> = { permits: isPermittedAddress, excludes: isExcludedAddress };
const MAILBOXES = rulesOf(isMailboxBelow);
const HOSTS = rulesOf(isBelow);
const DOMAINS = rulesOf(
  isBelow,
  (name, constraint) => isBelow(name, constraint) || isExcludedWildcard(name, constraint),
);

/** A name is compared with each constraint by itself. */
function rulesOf<Name, Constraint>(
  matches: (name: Name, constraint: Constraint) => boolean,
  isExcluded = matches,
): Rules<Name, Constraint> {
  return {
    permits: (name, permitted) => permitted.some((constraint) => matches(name, constraint)),
    excludes: (name, excluded) => excluded.some((constraint) => isExcluded(name, constraint)),
  };
}

function isForbidden<Name, Constraint>(
  name: Name,
  { permitted, excluded }: Limits<Constraint>,
  { permits, excludes }: Rules<Name, Constraint>,
): boolean {
  return (permitted.length > 0 && !permits(name, permitted)) || excludes(name, excluded);
}

/** A URI is compared by its host, which must be a name. */
function isForbiddenUri(uri: string, limits: Limits<string>): boolean {
  const host = hostOfUri(uri)?.toLowerCase() ?? '';
  return host === '' || /^[\d.]+$/.test(host) || isForbidden(host, limits, HOSTS);
}

/**
 * The subject alternative names, for example `DNS:cp1`, that the name constraints of a CA do not permit: those that no permitted
 * constraint of their form matches, that an excluded one matches, or that Go cannot compare. The common name never counts.
 *
 * Source: Go 1.26 `crypto/x509` constraints.go checkChainConstraints
 * (https://go.dev/src/crypto/x509/constraints.go). A name that an older Go refuses is refused too.
 */
export function findForbiddenNames(names: SubjectNames, constraints: NameConstraints): readonly string[] {
  const of = <Form extends keyof Subtrees>(form: Form) => ({
    permitted: constraints.permitted[form],
    excluded: constraints.excluded[form],
  });
  const [dns, ips, uris, emails] = [of('dns'), of('ips'), of('uris'), of('emails')];
  return [
    ...names.dns
      .filter((name) => !isDomainName(name, false) || isForbidden(name, dns, DOMAINS))
      .map((name) => `DNS:${name}`),
    ...names.ips
      .filter((address) => isForbidden(address, ips, ADDRESSES))
      .map((address) => `IP:${formatIpAddress(address)}`),
    ...names.uris.filter((uri) => isForbiddenUri(uri, uris)).map((uri) => `URI:${uri}`),
    ...names.emails
      .filter((mailbox) => splitMailbox(mailbox) === undefined || isForbidden(mailbox, emails, MAILBOXES))
      .map((mailbox) => `email:${mailbox}`),
  ];
}

/**
 * Refuses a chain in which a CA may not sign a name of a certificate below it; the common name never counts.
 *
 * @param chain the leaf first
 */
export function checkNameConstraints(chain: readonly GoCertificate[]): void {
  for (const [at, { names }] of chain.entries()) {
    for (const { nameConstraints } of chain.slice(at + 1)) {
      if (nameConstraints === undefined) continue;
      const forbidden = findForbiddenNames(names, nameConstraints);
      if (forbidden.length > 0) refuse('name-constraints', forbidden.join(', '));
    }
  }
}
