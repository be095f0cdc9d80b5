import type { Host, HostPath } from '@kube-rescue/host';
import type { Json } from '@kube-rescue/workflow';
import type { Document } from 'yaml';
import { usageError } from '../envelope.ts';

/**
 * Reads a merge patch in YAML or JSON.
 * @throws CliError `USAGE`, without any part of the file
 */
export async function readPatchFile(path: HostPath, host: Pick<Host, 'readFile'>): Promise<Json> {
  const text = new TextDecoder().decode(await readDeskFile(path, host));
  const { parseAllDocuments } = await import('yaml');
  const parsed = parseAllDocuments(text);
  const [document, ...others] = Array.isArray(parsed) ? parsed : [];
  const invalid = (message: string): Error => usageError(message, path, 'give one merge patch, in YAML or JSON');
  if (document === undefined || others.length > 0) throw invalid('the file does not hold exactly one patch');
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(`the patch is malformed, line ${problem.linePos?.[0].line ?? 1}`);
  const patch = readWithoutAliases(document);
  if (patch === undefined) throw invalid('the patch has YAML aliases: write the values out');
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) throw invalid('the patch is not an object');
  return patch as Json;
}

/** Aliases can be made to grow without end, and a patch has no use for them. */
function readWithoutAliases(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

/** @throws CliError `USAGE` when there is no such file */
export async function readDeskFile(path: HostPath, host: Pick<Host, 'readFile'>): Promise<Uint8Array> {
  const bytes = await host.readFile(path);
  if (bytes !== undefined) return bytes;
  throw usageError('there is no such file', path, 'check the path');
}
