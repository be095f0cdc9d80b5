import { redactEncoded } from './encoded-secrets.ts';
import { redactNamed } from './named-secrets.ts';

const MASK = '[redacted]';
const BASE64_LINE = String.raw`[A-Za-z0-9+/]{16,}={0,2}`;

/**
 * Shapes of secrets in text from a Kubernetes node. Certificates are public and stay readable.
 *
 * PEM labels: RFC 7468. Kubeconfig keys: the `v1.Config` format of client-go. Bootstrap tokens: `[a-z0-9]{6}.[a-z0-9]{16}`
 * (Kubernetes documentation, "Authenticating with bootstrap tokens"). JWT: RFC 7519, always begins with `eyJ`. Keys of an
 * `EncryptionConfiguration`: 16, 24 or 32 bytes in base64. age identities: age-encryption.org/v1. PuTTY: its manual, appendix C.
 *
 * The text may come from an attacker, so no pattern may backtrack over the same characters: every pattern begins with a
 * literal or at a word boundary.
 */
const SECRET_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, '[redacted $1]'],
  [/AGE-(?:SECRET-KEY|PLUGIN-[A-Z0-9]{1,64})-1?[0-9A-Z]{4,}/gi, MASK],
  [new RegExp(String.raw`(Private-Lines:[ \t]*\d{1,9})(?:(?:\s|\\+[nr]){1,64}${BASE64_LINE})+`, 'g'), `$1 ${MASK}`],
  // What openssl prints of a private key; the numbers that are public stay.
  [
    /(?<![A-Za-z])((?:privateExponent|prime[12]|exponent[12]|coefficient|priv):)(?:\s{1,64}(?:[0-9a-f]{2}:?)+){1,4096}/g,
    `$1 ${MASK}`,
  ],
  [base64OfSecrets(), MASK],
];

const TOKEN_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [
    /(?<![a-z])(secret:[ \t]+["']?)(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{32}(?![\w+/.-]))/g,
    `$1${MASK}`,
  ],
  [/(:\/\/[^\s:/@]{0,256}:)[^\s/@]{1,256}@/g, `$1${MASK}@`],
  [/(:\/\/)[\w~.-]{20,256}@/g, `$1${MASK}@`],
  [/(?<![\w-])eyJ[\w-]{8,}\.\s{0,64}(?:[\w-]{8,}\.\s{0,64}[\w.-]*|eyJ[\w-]{8,})/g, MASK],
  [/(?<![\w./-])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w/-]|\.\w)/g, MASK],
  // Tokens that name their issuer.
  [/(?<![\w-])(?:gh[oprsu]_|github_pat_|glpat-|xox[abeoprs]-|hvs\.|hvb\.|dop_v1_|AIza)[\w-]{16,}/g, MASK],
  // Hashes of passwords: crypt(5).
  [/\$(?:2[abxy]|5|6|7|y|apr1)\$[./\w$=,-]{20,}/g, MASK],
];

/** An AWS secret access key is 40 characters of base64, and nothing else is said about it. */
const AWS_SECRET = /(?<![\w+/=.@:-])[A-Za-z0-9+/]{40}(?![\w+/=.-])/g;
const LEAST_CHANGES = 12;

/** PEM of what is public. */
const PUBLIC =
  /(-----BEGIN ((?:NEW )?(?:TRUSTED )?(?:CERTIFICATE(?: REQUEST)?|PUBLIC KEY|RSA PUBLIC KEY|X509 CRL))-----[\sA-Za-z0-9+/=\\]*-----END \2-----)/;

/**
 * Replaces private keys, tokens and passwords in `text` by a mask, also when they are encoded: base64 and hexadecimal, gzip in
 * base64, percent encoding, one within the other.
 *
 * A safety net for untrusted text, not a licence to print secrets: shapes and names are matched, not values. A piece from the
 * middle of a key and a secret in an unknown shape without a name pass through; a host name with the shape of a bootstrap token is
 * masked.
 */
export function redact(text: string): string {
  return redactAt(text, 0);
}

function redactAt(text: string, depth: number): string {
  // A split with groups gives text, the public part, its label, text and so on.
  const parts = text.split(PUBLIC);
  if (parts.length === 1) return redactPrivate(text, depth);
  return parts.map((part, at) => (at % 3 === 0 ? redactPrivate(part, depth) : at % 3 === 1 ? part : '')).join('');
}

function redactPrivate(text: string, depth: number): string {
  const unheaded = apply(maskBeforeEnd(text), SECRET_PATTERNS);
  const decoded = redactEncoded(maskJwk(redactNamed(unheaded)), depth, redactAt);
  return apply(decoded, TOKEN_PATTERNS).replace(AWS_SECRET, (found) => (isRandom(found) ? MASK : found));
}

function apply(text: string, patterns: readonly (readonly [RegExp, string])[]): string {
  return patterns.reduce((masked, [pattern, mask]) => masked.replace(pattern, mask), text);
}

/** The lines of a private key before its END line, when its BEGIN line is missing. */
function maskBeforeEnd(text: string): string {
  if (!text.includes('PRIVATE KEY-----')) return text;
  const pieces = text.split(/(-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)/);
  return pieces
    .map((piece, at) => {
      if (at % 2 === 1 || at === pieces.length - 1 || /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----/.test(piece))
        return piece;
      const lines = piece.split(/(\r?\n|\\+r|\\+n)/);
      // The last one stands before END: the prefix of a log, or nothing.
      let from = lines.length - 2;
      while (
        from >= 0 &&
        /^[^A-Za-z0-9+/=]*$|(?:^|\s)[A-Za-z0-9+/]{16,}={0,2}\s*$|^\s*[A-Za-z0-9+/]{1,64}={0,2}$|^\\+[nr]$/.test(
          lines[from] ?? '',
        )
      )
        from -= 1;
      return `${lines.slice(0, from + 1).join('')}${from + 1 < lines.length ? MASK : ''}`;
    })
    .join('');
}

/** The numbers of a private or symmetric JSON Web Key (RFC 7518). */
function maskJwk(text: string): string {
  if (!text.includes('kty') || !/["'](?:d|k)\\*["']\s{0,8}:/.test(text)) return text;
  return text.replace(/((\\*["'])(?:d|p|q|dp|dq|qi|k|n|x|y)\2\s{0,8}:\s{0,8}\\*["'])[\w-]{16,}/g, `$1${MASK}`);
}

/** Upper and lower case and digits in turn, as chance makes them; not hexadecimal, not text in base64, not a path or a name. */
function isRandom(text: string): boolean {
  if (/^[0-9a-f]+$/i.test(text) || !/[a-z]/.test(text) || !/[A-Z]/.test(text) || !/\d/.test(text)) return false;
  if (/^[\x20-\x7e\s]+$/.test(Buffer.from(text, 'base64').toString('latin1'))) return false;
  const changes = text.match(/[a-z](?=[^a-z])|[A-Z](?=[^A-Z])|\d(?=\D)|[+/](?=[^+/])/g) ?? [];
  return changes.length >= LEAST_CHANGES;
}

/**
 * Makes text from a file or a cluster safe for a terminal: control characters other than tab and newline, among them
 * every escape sequence's first byte, become a visible `\xNN`, and characters that change text direction a visible `\u{NNNN}`.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the function escapes control characters
  const visible = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return visible.replace(/[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u{${char.charCodeAt(0).toString(16)}}`;
  });
}

/**
 * A private key or a kubeconfig in base64, as in kubeconfigs and Secrets, on one line or several. A certificate
 * before the key stays readable.
 */
function base64OfSecrets(): RegExp {
  const begin = `(?:${base64Forms('-----BEGIN ').join('|')})[A-Za-z0-9+/]{0,20}?`;
  const secrets = ['PRIVATE KEY-----', 'client-key-data: '].flatMap(base64Forms).join('|');
  const furtherLines = String.raw`(?:(?:\s|\\[nr]){1,64}[A-Za-z0-9+/]{40,}={0,2})*`;
  return new RegExp(`(?:${begin})?(?:${secrets})[A-Za-z0-9+/]*={0,2}${furtherLines}`, 'g');
}

/** `text` inside base64, at each of the three offsets within a group of four characters. */
function base64Forms(text: string): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = btoa('\0'.repeat(shift) + text);
    // Characters at the edges also encode bits of the neighbouring bytes.
    return encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + text.length) * 8) / 6));
  });
}
