import type { Host, HostPath } from '@kube-rescue/host';
import type { Json } from '@kube-rescue/workflow';
import { usageError } from '../envelope.ts';

/**
 * Reads a merge patch in YAML or JSON.
 * @throws CliError `USAGE`, without any part of the file
 */
export async function readPatchFile(path: HostPath, host: Pick<Host, 'readFile'>): Promise<Json> {
  const text = new TextDecoder().decode(await readLocalFile(path, host));
  const { lineOfYamlError, parseYamlDocuments, readWithoutAliases } = await import('@kube-rescue/node-config');
  const [document, ...others] = parseYamlDocuments(text);
  const invalid = (message: string): Error => usageError(message, path, 'provide one merge patch, in YAML or JSON');
  if (document === undefined || others.length > 0) throw invalid('the file does not hold exactly one patch');
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(`the patch is malformed, line ${lineOfYamlError(text, problem)}`);
  const patch = readWithoutAliases(document);
  if (patch === undefined) throw invalid('the patch has YAML aliases; write their values instead');
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) throw invalid('the patch is not an object');
  return patch as Json;
}

/** @throws CliError `USAGE` when there is no such file */
export async function readLocalFile(path: HostPath, host: Pick<Host, 'readFile'>): Promise<Uint8Array> {
  const bytes = await host.readFile(path);
  if (bytes !== undefined) return bytes;
  throw usageError('file not found', path, 'check the path');
}
