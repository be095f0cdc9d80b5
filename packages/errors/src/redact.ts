const MASK = '[redacted]';

/**
 * The shapes in which secrets of a Kubernetes node appear in text. Certificates are public and stay readable.
 *
 * PEM labels: RFC 7468. Kubeconfig keys: the `v1.Config` format of client-go. Bootstrap tokens: `[a-z0-9]{6}.[a-z0-9]{16}`
 * (Kubernetes documentation, "Authenticating with bootstrap tokens"). JWT: RFC 7519, always begins with `eyJ`.
 */
const SECRET_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, `[redacted $1]`],
  // The same PEM block in base64, as kubeconfigs and Secrets carry it: "-----BEGIN" at any of the three alignments.
  [/\b[\w+/=]{0,3}(?:LS0tLS1CRUdJTi|tLS0tQkVHSU4g|0tLS0tQkVHSU|LS0tLUJFR0lOI)[\w+/=\s]{40,}/g, MASK],
  [/\b(client-key-data|token|password|id-token|refresh-token)("?\s*:\s*)("?)[^\s"',}]+\3/gi, `$1$2$3${MASK}$3`],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, MASK],
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, MASK],
  [/\b(aws_secret_access_key|aws_session_token)(\s*[=:]\s*)\S+/gi, `$1$2${MASK}`],
];

/**
 * Replaces private keys, tokens and passwords in `text` by a mask.
 *
 * A safety net for text made from foreign input, not a licence to print secrets: it knows shapes, not values, so raw key
 * bytes without their PEM label pass through.
 */
export function redact(text: string): string {
  return SECRET_PATTERNS.reduce((masked, [pattern, mask]) => masked.replace(pattern, mask), text);
}

/**
 * Makes text from a file or a cluster safe for a terminal: control characters other than tab and newline, among them
 * every escape sequence's first byte, become a visible `\xNN`.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this function is about
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
