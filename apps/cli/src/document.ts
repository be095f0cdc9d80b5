import { printable } from '@kube-rescue/errors';
import type { Envelope } from './envelope.ts';
import type { DocumentFormat } from './output-format.ts';
import { safeJson } from './render/style.ts';

/** The envelope as text that ends with a new line. A terminal shows it without its control characters. */
export async function renderDocument(envelope: Envelope, format: DocumentFormat): Promise<string> {
  const json = safeJson(envelope);
  if (format === 'json') return `${json}\n`;
  const { stringify } = await import('yaml');
  // From the JSON: both hold the same, and a value that JSON leaves out has no form in YAML either.
  return printable(stringify(JSON.parse(json), { lineWidth: 0, aliasDuplicateObjects: false }));
}
