const MASK = '[redacted]';

/** Names whose value is a secret, whatever it looks like, and whatever stands before them: `DB_PASSWORD`, `db-password`. */
const NAMES = [
  'client[-_]?key[-_]?data',
  'pass(?:word|wd|phrase)',
  'pwd',
  '(?:client|app|shared|token|consumer|webhook|hmac)[-_]?secret',
  '(?:secret|private|account|storage|shared|encryption|signing)[-_]?(?:access[-_]?)?key',
  'api[-_]?(?:key|token|secret)',
  'certificate[-_]?key',
  '(?:(?:access|id|refresh|session|security|auth|bearer|csrf|xsrf)[-_]?)?token',
  'x-amz-signature',
].join('|');
/** The same as the end of a name such as `dbPassword`; case counts. */
const CAMEL_NAMES =
  'Pass(?:word|wd|phrase)|(?:Client|App|Shared|Webhook)Secret|(?:Secret|Private|Account)(?:Access)?Key|ApiKey|Token';
/** Where such a name may begin. */
const BEFORE = String.raw`(?<![A-Za-z0-9])`;
const PREFIX = String.raw`[\w.-]{0,64}?`;
const SEPARATED = String.raw`\\*["']?[ \t]{0,64}[:=][ \t]{0,64}`;
const BARE = String.raw`[^\s"'\\,;&}\]]{1,65536}`;
/** In a sentence, a flag is followed by a word. */
const WORD =
  /^(?:is|are|was|were|has|have|had|must|may|can|cannot|needs?|not|and|or|to|in|of|on|for|with|without|from|requires?|given|file|flag|the|a|an|it|as|by|at|if|but|which|that)$/i;

const QUOTED = new RegExp(String.raw`${BEFORE}((?:${NAMES})${SEPARATED})(\\*["'])((?:(?!\2)[^\n]){1,65536})`, 'gi');
const BLOCK = new RegExp(
  String.raw`(^[ \t-]{0,64}["']?${PREFIX}(?<![A-Za-z0-9])(?:${NAMES})["']?:[ \t]{0,64}[|>][-+0-9]{0,2}[ \t]{0,64})((?:\n[ \t]+[^\n]*)+)`,
  'gim',
);
const WHOLE_LINE = new RegExp(
  String.raw`(^[ \t-]{0,64}${PREFIX}(?<![A-Za-z0-9])(?:${NAMES}):[ \t]{1,64})([^\s"'\\|>&*{[][^\n"'\\]*)`,
  'gim',
);
const UNQUOTED = new RegExp(String.raw`${BEFORE}((?:${NAMES})${SEPARATED})(?!\\*["'])(${BARE})`, 'gi');
const CAMEL = new RegExp(
  String.raw`(?<=[a-z0-9])((?:${CAMEL_NAMES})${SEPARATED})(?:(\\*["'])(?:(?!\2)[^\n]){1,65536}|(?!\\*["'])(${BARE}))`,
  'g',
);
const FLAG = new RegExp(
  String.raw`(?<![\w-])(--?${PREFIX}(?<![A-Za-z0-9])(?:${NAMES}|secret)\\*["']?(?:[ \t]{1,64}|[ \t]{0,64},[ \t]{0,64}(?=\\*["'])))(\\*["']?)([^\s"'\\,-][^\s"'\\,]{0,65535})`,
  'gi',
);
const HEADER =
  /(?<![A-Za-z])((?:proxy-)?authorization\\*["']?[ \t]{0,64}[:=][ \t]{0,64}\\*["']?(?:(?:bearer|basic|negotiate|ntlm|token|apikey)[ \t]{1,64})?)([^\s"'\\][^"'\\\n]{0,65535})/gi;
/** Schemes whose credentials are a list with quotes. */
const LISTED =
  /(?<![A-Za-z])((?:proxy-)?authorization\\*["']?[ \t]{0,64}[:=][ \t]{0,64}\\*["']?(?:digest|aws4-hmac-sha256|oauth)[ \t]{1,64})([^\n]{1,65536})/gi;
const COOKIE = /(?<![A-Za-z])((?:set-)?cookie\\*["']?[ \t]{0,64}:[ \t]{0,64}\\*["']?)([^\s"'\\][^"'\\\n]{0,65535})/gi;
const SECRET = new RegExp(String.raw`(?<![\w-])(secret${SEPARATED}\\*["']?)(${BARE})`, 'gi');
/** The `auth` of a registry: base64 of `USER:PASSWORD`. */
const REGISTRY = new RegExp(
  String.raw`(?<![\w-])(_?auth${SEPARATED}\\*["']?)([A-Za-z0-9+/]{6,65536}={0,2})(?![\w-])`,
  'gi',
);
/** A name of an object, a path or a number: what is called a secret, not a secret. */
const NAME = /^[a-z0-9@/.-]*[:.]?$/;

/** Masks values whose name says that they are secret: in YAML, JSON, environments, flags, queries and headers. */
export function redactNamed(text: string): string {
  const mask = (_: string, name: string): string => `${name}${MASK}`;
  return text
    .replace(BLOCK, (_, name: string) => `${name}\n  ${MASK}`)
    .replace(LISTED, mask)
    .replace(HEADER, (whole, name: string, value: string) => (value.startsWith('[redacted') ? whole : `${name}${MASK}`))
    .replace(COOKIE, mask)
    .replace(QUOTED, (_, name: string, quote: string) => `${name}${quote}${MASK}`)
    .replace(CAMEL, (whole, name: string, quote: string | undefined, value: string | undefined) => {
      return value === undefined ? `${name}${quote ?? ''}${MASK}` : maskBare(whole, name, value);
    })
    .replace(WHOLE_LINE, (whole, name: string, value: string) => maskBare(whole, name, value))
    .replace(UNQUOTED, (whole, name: string, value: string) => maskBare(whole, name, value))
    .replace(FLAG, (whole, name: string, quote: string, value: string) => {
      return WORD.test(value) && quote === '' ? whole : maskBare(whole, `${name}${quote}`, value);
    })
    .replace(SECRET, (whole, name: string, value: string) => (NAME.test(value) ? whole : maskBare(whole, name, value)))
    .replace(REGISTRY, (whole, name: string, value: string) => {
      return /^[\x20-\x7e]+:[\x20-\x7e]*$/.test(Buffer.from(value, 'base64').toString('latin1'))
        ? `${name}${MASK}`
        : whole;
    });
}

/** Keeps the end of a sentence. A value that is masked already stays. */
function maskBare(whole: string, name: string, value: string): string {
  if (value.startsWith('[redacted')) return whole;
  const [end = ''] = /[.:)]*$/.exec(value) ?? [];
  return end.length === value.length ? whole : `${name}${MASK}${end}`;
}
