import type { GoRuleName } from './rules.ts';

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/** Why Go finds no PEM block in a text (latin1): what an operator's tool most likely did to it. */
export function findReadingFault(text: string): GoRuleName {
  if (/^(?:\u00ff\u00fe|\u00fe\u00ff)/.test(text) || text.includes('-\0-\0-\0')) return 'pem-utf-16';
  if (!text.includes('-----BEGIN ')) return 'pem-missing';
  if (/^[ \t]+-----BEGIN /m.test(text)) return 'pem-indented';
  if (/\r(?!\n)/.test(text)) return 'pem-carriage-return';
  return text.startsWith(BYTE_ORDER_MARK) ? 'pem-byte-order-mark' : 'pem-damaged';
}
