import { normalize } from 'node:path';

/** Flags whose value is a secret, or is easily mistaken for one: the identity for the recipient, the keys for their file. */
const SECRET_FLAG =
  /^--(?:backup-recipient|backup-identity|aws-credentials|external-id|[\w-]*(?:token|passw|passphrase|secret|credential|certificate-key|api-?key|private|bearer|access-key)[\w-]*)$/i;
/** Flags of `PATH=VALUE`, where the value may be a secret. */
const ASSIGNMENT_FLAG = /^--set$/;
/** A file of the operator, not a secret: an extension, or a beginning that only paths have. */
const FILE_NAME =
  /^(?:~\/|\.{1,2}\/|\/(?:etc|root|home|tmp|var|run|opt|mnt|media|srv|dev|proc|usr)\/)?[\w .@+/-]*\.(?:age|cfg|conf|config|crt|csv|env|ini|json|key|pem|toml|txt|ya?ml)$|^(?:~|\.{1,2}|\/(?:etc|root|home|tmp|var|run|opt|mnt|media|srv|dev|proc|usr))\/[\w .@+-]{1,40}(?:\/[\w .@+-]{1,40})*$/i;
const HIDDEN = '[hidden]';
/** A shorter value is hidden only where it stands alone, and not at all below {@link SHORTEST}. */
const LONG = 8;
const SHORTEST = 3;

/** The values in a command line that no message may quote. */
export function secretArguments(argv: readonly string[]): readonly string[] {
  const found = argv.flatMap((word, at) => {
    const [, flag = word, inline] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
    const value = inline ?? argv[at + 1];
    if (value === undefined) return [];
    if (SECRET_FLAG.test(flag)) return FILE_NAME.test(value) || value === '-' ? [] : [value];
    if (!ASSIGNMENT_FLAG.test(flag)) return [];
    const assigned = value.slice(value.indexOf('=') + 1);
    return assigned.startsWith('@') || assigned === 'null' ? [] : [assigned];
  });
  // A path that was made absolute is normalized, too.
  const forms = found.flatMap((value) => [value, value.trim(), normalize(value), ...value.split('\n')]);
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST).toSorted((a, b) => b.length - a.length);
}

/** `text` without these values. */
export function hideValues(text: string, values: readonly string[]): string {
  return values.reduce((hidden, value) => {
    if (value.length >= LONG) return hidden.replaceAll(value, HIDDEN);
    const escaped = value.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
    return hidden.replace(new RegExp(String.raw`(?<![\w-])${escaped}(?![\w-])`, 'g'), HIDDEN);
  }, text);
}
