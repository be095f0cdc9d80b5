import type { GoCertificate } from './certificate.ts';
import { checkNameConstraints } from './constraint-check.ts';
import { dottedOid } from './der-reader.ts';
import { namesHost } from './host-name.ts';
import { catchFault, type GoFault, refuse } from './rules.ts';
import { checkSignature } from './signature.ts';

/** How Go's `x509.Certificate.Verify` is called. */
export interface GoVerification {
  readonly leaf: GoCertificate;
  /** The further certificates that the other end sends. Default: none. */
  readonly intermediates?: readonly GoCertificate[];
  readonly roots: readonly GoCertificate[];
  /** Default: dates are not checked. */
  readonly now?: Date | undefined;
  /** Each of them must be allowed. */
  readonly usages: readonly ('server' | 'client')[];
  /** The name or address that the client dials. Default: not checked. */
  readonly host?: string | undefined;
}

const USAGE_OIDS = { server: '2b06010505070301', client: '2b06010505070302' } as const;
const ANY_USAGE = '551d2500';
/** Go gives up after so many signatures (crypto/x509 verify.go maxChainSignatureChecks). */
const MAX_SIGNATURES = 100;

type Position = 'leaf' | 'intermediate' | 'root';

/** Refuses a certificate at its position, regardless of signatures (crypto/x509 verify.go isValid). */
function checkPosition(certificate: GoCertificate, position: Position, below: number, now: Date | undefined): void {
  const { unhandled, notBefore, notAfter, basicConstraints } = certificate;
  if (unhandled[0] !== undefined) refuse('critical-extension', dottedOid(unhandled[0]));
  if (now !== undefined && now < notBefore) refuse('not-yet-valid');
  if (now !== undefined && now > notAfter) refuse('expired');
  if (position === 'leaf') return;
  if (position === 'intermediate' && basicConstraints?.isCa !== true) refuse('not-a-ca');
  const limit = basicConstraints?.pathLength;
  if (limit !== undefined && BigInt(below) > limit) refuse('path-length');
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function namesOf({ extensions }: GoCertificate): Uint8Array {
  return extensions.find(({ oid }) => oid === '551d11')?.value ?? new Uint8Array();
}

/** The same name, key and subject alternative names: a chain never holds a CA twice. */
function isInChain(candidate: GoCertificate, chain: readonly GoCertificate[]): boolean {
  return chain.some(
    (each) =>
      isSame(each.subject, candidate.subject) &&
      isSame(each.publicKeyInfo, candidate.publicKeyInfo) &&
      isSame(namesOf(each), namesOf(candidate)),
  );
}

/** Every certificate of the chain that lists usages must list the wanted one. */
function checkUsages(chain: readonly GoCertificate[], wanted: string): void {
  for (const { usages } of chain) {
    if (usages.length > 0 && !usages.includes(ANY_USAGE) && !usages.includes(wanted)) refuse('usage');
  }
}

/** Refuses policies without evaluating them: no CA of a cluster demands any. The anchor's do not count. */
function checkPolicies(chain: readonly GoCertificate[]): void {
  if (chain.slice(0, -1).some(({ demandsPolicy }) => demandsPolicy)) refuse('policies');
}

/** Why Go finds no chain that it accepts. */
export interface GoChainFault extends GoFault {
  /** The CA that the rule refuses; `undefined` for the leaf itself and for a rule of the whole chain. */
  readonly ca?: GoCertificate | undefined;
}

interface Search {
  readonly verification: GoVerification;
  signatures: number;
  /** The first reason why a CA that has signed did not do. */
  fault: GoChainFault | undefined;
  /** The first CA of the right name that has not signed. */
  mismatch: GoChainFault | undefined;
}

function* findChains(chain: readonly GoCertificate[], search: Search): Generator<readonly GoCertificate[]> {
  const { roots, intermediates = [], now } = search.verification;
  const top = chain.at(-1);
  if (top === undefined) return;
  const candidates = [
    ...roots.map((certificate) => ({ certificate, position: 'root' as const })),
    ...intermediates.map((certificate) => ({ certificate, position: 'intermediate' as const })),
  ].filter(({ certificate }) => isSame(certificate.subject, top.issuer));
  for (const { certificate, position } of candidates) {
    if (isInChain(certificate, chain)) continue;
    search.signatures += 1;
    if (search.signatures > MAX_SIGNATURES) return;
    const signature = catchFault(() => checkSignature(top, certificate));
    if (!signature.ok) {
      search.mismatch ??= { ...signature.fault, ca: certificate };
      continue;
    }
    const check = catchFault(() => checkPosition(certificate, position, chain.length - 1, now));
    if (!check.ok) search.fault ??= { ...check.fault, ca: certificate };
    else if (position === 'root') yield [...chain, certificate];
    else yield* findChains([...chain, certificate], search);
  }
}

/** Refuses a complete chain: usages, name constraints, policies. */
function checkChain(chain: readonly GoCertificate[], { usages }: GoVerification): void {
  if (chain.length > 1) checkPolicies(chain);
  for (const usage of usages) checkUsages(chain, USAGE_OIDS[usage]);
  checkNameConstraints(chain);
}

/**
 * Why Go refuses a certificate of a TLS server or client (crypto/x509 `Verify`), or `undefined` when one chain to a root is
 * good: dates, signatures, CAs, path lengths, usages nested down the chain, name constraints, the server's name.
 *
 * Of several reasons, that of a CA with the right key comes first: an expired CA before another one of its name. Key identifiers
 * do not count, as in Go. Does not check revocation.
 */
export function findVerificationFault(verification: GoVerification): GoChainFault | undefined {
  const { leaf, roots, now, host } = verification;
  const own = catchFault(() => {
    checkPosition(leaf, 'leaf', 0, now);
    if (host !== undefined && host !== '' && !namesHost(leaf.names, host)) refuse('host-name', host);
  });
  if (!own.ok) return own.fault;
  const search: Search = { verification, signatures: 0, fault: undefined, mismatch: undefined };
  const chains = roots.some(({ der }) => isSame(der, leaf.der)) ? [[leaf]] : findChains([leaf], search);
  let first: GoFault | undefined;
  for (const chain of chains) {
    const check = catchFault(() => checkChain(chain, verification));
    if (check.ok) return undefined;
    first ??= check.fault;
  }
  return first ?? search.fault ?? search.mismatch ?? { rule: 'unknown-issuer' };
}
