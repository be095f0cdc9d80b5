import { type Fields, isRecord } from '@kube-rescue/cluster-objects';

/** What a request of AssumeRoleWithWebIdentity carries, by its token. */
export interface TokenClaims {
  /** As in the token: `https://oidc.example.com/cluster`. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly subject: string;
}

/** What does not fit, and what cannot be judged from outside, each as a sentence. */
export interface Fit {
  readonly misfits: readonly string[];
  readonly unjudged: readonly string[];
}

/** The operators on strings (IAM user guide, "IAM JSON policy elements: Condition operators"): all others are not judged. */
const OPERATOR = /^(?:(?:ForAnyValue|ForAllValues):)?String(Not)?(Equals|EqualsIgnoreCase|Like)(IfExists)?$/i;

/**
 * Judges the `Condition` of a statement. All operators and keys must hold, one value of each suffices. Names of keys ignore
 * case, values do not.
 */
export function judgeConditions(condition: unknown, claims: TokenClaims): Fit {
  const misfits: string[] = [];
  const unjudged: string[] = [];
  for (const [operator, keys] of Object.entries(isRecord(condition) ? condition : {})) {
    for (const [key, given] of Object.entries(isRecord(keys) ? keys : {})) {
      const values = (Array.isArray(given) ? given : [given]).map(String);
      const fits = holds(operator, key, values, claims);
      const shown = `${operator} ${key} is ${values.map((each) => `"${each}"`).join(' or ')}`;
      if (fits === undefined) unjudged.push(`${shown}: this condition is not judged`);
      if (fits === false) misfits.push(`${shown}; ${describeClaim(key, claims)}`);
    }
  }
  return { misfits, unjudged };
}

function holds(operator: string, key: string, values: readonly string[], claims: TokenClaims): boolean | undefined {
  const [, not, comparison = '', ifExists] = OPERATOR.exec(operator) ?? [];
  const context = valuesOf(key, claims);
  // A policy variable, `${aws:username}`, depends on the request.
  if (comparison === '' || context === undefined || values.some((each) => each.includes('${'))) return undefined;
  // A key that the request lacks: false, unless the operator negates or passes over it.
  if (context.length === 0) return not !== undefined || ifExists !== undefined;
  const isMatch = context.some((value) => values.some((wanted) => matches(comparison.toLowerCase(), wanted, value)));
  return not === undefined ? isMatch : !isMatch;
}

/** The values of a condition key; empty where the token of this issuer has none, `undefined` where it is no key of a token. */
function valuesOf(key: string, { issuer, audiences, subject }: TokenClaims): readonly string[] | undefined {
  const [, provider = '', claim] = /^(.+):(aud|sub)$/i.exec(key) ?? [];
  if (claim === undefined || /^(?:aws|sts|saml)$/i.test(provider)) return undefined;
  if (provider.toLowerCase() !== providerName(issuer).toLowerCase()) return [];
  return claim.toLowerCase() === 'aud' ? audiences : [subject];
}

function matches(comparison: string, wanted: string, value: string): boolean {
  if (comparison === 'equals') return wanted === value;
  if (comparison === 'equalsignorecase') return wanted.toLowerCase() === value.toLowerCase();
  return matchesWildcards(wanted, value);
}

/** Whether `*` and `?` in the pattern can stand for the rest of the text, as IAM reads them. Linear in both. */
export function matchesWildcards(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let resume = 0;
  while (from < text.length) {
    if (pattern[at] === '*') {
      star = at;
      at += 1;
      resume = from;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[from])) {
      at += 1;
      from += 1;
    } else if (star === -1) {
      return false;
    } else {
      at = star + 1;
      resume += 1;
      from = resume;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}

function describeClaim(key: string, claims: TokenClaims): string {
  const context = valuesOf(key, claims) ?? [];
  if (context.length === 0) return `the token comes from ${providerName(claims.issuer)}`;
  const name = key.toLowerCase().endsWith(':aud') ? 'audience' : 'subject';
  return `the ${name} of the token is ${context.map((each) => `"${each}"`).join(', ')}`;
}

/** The name of an issuer in IAM: its URL without the scheme (IAM user guide, "Create an OpenID Connect identity provider"). */
export function providerName(issuer: string): string {
  return issuer.replace(/^https?:\/\//i, '').replace(/\/$/, '');
}

/** The texts of a field that may be one text or a list. */
export function textsOf(fields: Fields, name: string): readonly string[] {
  const given = fields[name];
  return (Array.isArray(given) ? given : [given]).filter((each) => typeof each === 'string');
}
