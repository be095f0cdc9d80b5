/** What a full disk or a crash makes of a file: nothing, or a beginning. */
export type PemLoss = 'empty' | 'torn';

/**
 * Whether a PEM text is lost: `empty` without any content, or with the zero bytes of a block that was never written; `torn` when it
 * ends within a block.
 *
 * `undefined` for every other text, readable or not: a person may have written it.
 * @param text as `latin1`
 */
export function findPemLoss(text: string): PemLoss | undefined {
  const written = text.replace(/\0+$/, '');
  if (/^\s*$/.test(written)) return 'empty';
  const lastBegin = [...written.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----/gm)].at(-1);
  if (lastBegin === undefined) return isBeginOfBlock(written.trim()) ? 'torn' : undefined;
  const rest = written.slice(lastBegin.index);
  const isWhole = new RegExp(`^-----END ${lastBegin[1]}-----\\s*$`, 'm').test(rest);
  return isWhole ? undefined : 'torn';
}

/** A text that ends within its first line. */
function isBeginOfBlock(text: string): boolean {
  return '-----BEGIN '.startsWith(text) || /^-----BEGIN [A-Z0-9 ]+-{0,4}$/.test(text);
}

/** The same, but `undefined` with a whole certificate in the text: what follows it cannot be made again. */
export function findCertificateLoss(text: string): PemLoss | undefined {
  return text.includes('-----END CERTIFICATE-----') ? undefined : findPemLoss(text);
}
