import type { HostPath } from '@kube-rescue/host';
import { NodeConfigError } from '../errors.ts';

const BYTE_ORDER_MARKS = [
  { encoding: 'utf-16le', mark: [0xff, 0xfe] },
  { encoding: 'utf-16be', mark: [0xfe, 0xff] },
] as const;

function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  return BYTE_ORDER_MARKS.find(({ mark }) => mark.every((byte, at) => bytes[at] === byte))?.encoding ?? 'utf-8';
}

/**
 * Decodes a kubeconfig as client-go does: UTF-8, or UTF-16 with a byte order mark (what a redirection of Windows PowerShell
 * writes). The mark of UTF-8 stays in the text, so that an edit preserves it.
 *
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`
 */
export function decodeKubeconfig(bytes: Uint8Array, path: HostPath): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: encoding === 'utf-8' }).decode(bytes);
  } catch (cause) {
    throw new NodeConfigError({
      code: 'PKI_KUBECONFIG_INVALID',
      message: `cannot read the kubeconfig: the file is not ${encoding.toUpperCase().replace(/[LB]E$/, '')} text`,
      subject: path,
      hint: 'write it in UTF-8: `iconv -f UTF-16 -t UTF-8`; or restore it from a backup',
      cause,
    });
  }
}

/** The text of a file of unknown kind, to recognize it: UTF-16 with a byte order mark is decoded, other bytes are one character each. */
export function recognizableText(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  return encoding === 'utf-8' ? Buffer.from(bytes).toString('latin1') : new TextDecoder(encoding).decode(bytes);
}

/**
 * Changes the text of a kubeconfig. Without a change the same bytes are returned; a changed file in UTF-16 becomes UTF-8, which
 * every program reads.
 *
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`; and what `edit` throws
 */
export function editKubeconfig(bytes: Uint8Array, path: HostPath, edit: (source: string) => string): Uint8Array {
  const source = decodeKubeconfig(bytes, path);
  const edited = edit(source);
  return edited === source ? bytes : Buffer.from(edited);
}
