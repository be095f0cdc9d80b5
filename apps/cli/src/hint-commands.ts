import { type Call, commandLine, commandsIn, withCommandLines } from './call.ts';

/**
 * A document whose advice is data as well: beside each `hint`, and in each next step, `commands` has the command lines of this
 * program that the advice names, in its order, each whole: with the program as it was called and the flags of this call that select
 * the node. The advice itself names them in the same form. Objects of Kubernetes are left as they are.
 */
export function withHintCommands(value: unknown, call: Call | undefined): unknown {
  if (Array.isArray(value)) return value.map((each) => withHintCommands(each, call));
  if (!isPlain(value) || isKubernetesObject(value)) return value;
  const fields = Object.entries(value).map(([name, each]) => [name, withHintCommands(each, call)] as const);
  const made = Object.fromEntries(fields);
  if (typeof value['hint'] === 'string') return adviseWith(made, 'hint', [], call);
  if (isNextStep(value)) return adviseWith(made, 'text', value.command === null ? [] : [value.command], call);
  return value['hint'] === null ? { ...made, commands: [] } : made;
}

/** @param first command without the name of the program, in front of those in the advice */
function adviseWith(
  made: Readonly<Record<string, unknown>>,
  field: 'hint' | 'text',
  first: readonly string[],
  call: Call | undefined,
): Readonly<Record<string, unknown>> {
  const advice = withCommandLines(String(made[field]), call);
  const commands = [...first.map((each) => commandLine(each, call)), ...commandsIn(advice, call)];
  return { ...made, [field]: advice, commands: [...new Set(commands)] };
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isKubernetesObject(value: Readonly<Record<string, unknown>>): boolean {
  return typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string';
}

function isNextStep(value: object): value is { readonly command: string | null; readonly text: string } {
  if (!('command' in value && 'text' in value) || typeof value.text !== 'string') return false;
  return value.command === null || typeof value.command === 'string';
}
