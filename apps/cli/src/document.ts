import { printable } from '@kube-rescue/errors';
import type { Envelope } from './envelope.ts';
import type { Call } from './call.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { withHintCommands } from './hint-commands.ts';
import type { DocumentFormat } from './output-format.ts';
import { safeJson } from './render/style.ts';

/** The exit code in a word. */
const VERDICTS: Readonly<Record<ExitCode, string>> = {
  [EXIT.done]: 'ok',
  [EXIT.bug]: 'bug',
  [EXIT.usage]: 'usage',
  [EXIT.problems]: 'problems',
  [EXIT.refused]: 'refused',
  [EXIT.rolledBack]: 'rolled-back',
  [EXIT.rollbackIncomplete]: 'rollback-incomplete',
  [EXIT.notVerified]: 'not-verified',
  [EXIT.interrupted]: 'interrupted',
};

/**
 * The envelope with the exit code and the commands of its advice, as text that ends with a new line. A terminal shows it without its
 * control characters.
 */
export async function renderDocument(
  envelope: Envelope,
  exitCode: ExitCode,
  { format, call }: { readonly format: DocumentFormat; readonly call: Call | undefined },
): Promise<string> {
  const { apiVersion, ok, ...rest } = envelope;
  const fields = Object.entries(rest).map(([name, each]) => [name, withHintCommands(each, call)] as const);
  const json = safeJson({ apiVersion, ok, verdict: VERDICTS[exitCode], exitCode, ...Object.fromEntries(fields) });
  if (format === 'json') return `${json}\n`;
  const { stringify } = await import('yaml');
  // From the JSON: both hold the same, and a value that JSON leaves out has no form in YAML either.
  return printable(stringify(JSON.parse(json), { lineWidth: 0, aliasDuplicateObjects: false }));
}
