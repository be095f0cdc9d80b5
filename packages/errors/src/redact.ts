const MASK = '[redacted]';

/**
 * Shapes of secrets in text from a Kubernetes node. Certificates are public and stay readable.
 *
 * PEM labels: RFC 7468. Kubeconfig keys: the `v1.Config` format of client-go. Bootstrap tokens: `[a-z0-9]{6}.[a-z0-9]{16}`
 * (Kubernetes documentation, "Authenticating with bootstrap tokens"). JWT: RFC 7519, always begins with `eyJ`. Keys of an
 * `EncryptionConfiguration`: 16, 24 or 32 bytes in base64.
 *
 * The text may come from an attacker, so no pattern may backtrack over the same characters: every pattern begins with a
 * literal or at a word boundary.
 */
const SECRET_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, '[redacted $1]'],
  [base64OfSecrets(), MASK],
  [keysAndValues(), `$1${MASK}`],
  [/(?<![a-z])(authorization\\*["']?[ \t]*[:=][ \t]*\\*["']?(?:bearer|basic)[ \t]+)[^\s"'\\,}]+/gi, `$1${MASK}`],
  [
    /(?<![a-z])(secret:[ \t]+["']?)(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{32}(?![\w+/.-]))/g,
    `$1${MASK}`,
  ],
  [/(:\/\/[^\s:/@]{0,256}:)[^\s:/@]{1,256}@/g, `$1${MASK}@`],
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w.-]*/g, MASK],
  [/(?<![\w./-])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w/-]|\.\w)/g, MASK],
];

/**
 * Replaces private keys, tokens and passwords in `text` by a mask.
 *
 * A safety net for untrusted text, not a licence to print secrets: shapes are matched, not values. Raw key bytes without
 * their PEM label pass through; a host name with the shape of a bootstrap token is masked.
 */
export function redact(text: string): string {
  return SECRET_PATTERNS.reduce((masked, [pattern, mask]) => masked.replace(pattern, mask), text);
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

/** `key: value`, `"key": "value"`, `\"key\":\"value\"` and `key=value`, on one line. */
function keysAndValues(): RegExp {
  const keys = [
    'client-key-data',
    'client-secret',
    'password',
    '(?:(?:access|id|refresh|session|aws_session)[-_]?)?token',
    '(?:aws_)?secret_?access_?key',
  ];
  return new RegExp(String.raw`(?<![a-z])((?:${keys.join('|')})\\*["']?[ \t]*[:=][ \t]*\\*["']?)[^\s"'\\,}]+`, 'gi');
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
