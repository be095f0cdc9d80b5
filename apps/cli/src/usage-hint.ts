import type { Config } from '@oclif/core/config';
import { closest, distance } from 'fastest-levenshtein';
import { isUsageError } from './exit-codes.ts';

/** Adds to an error of the parser what the operator may have meant, and where to read on; returns every other error. */
export function explainUsage(error: unknown, args: readonly string[], config: Config): unknown {
  if (!(error instanceof Error) || !isUsageError(error)) return error;
  const commands = listNames(config);
  const [typed = '', ...others] = readWords(args, commands);
  const isCommand = commands.includes(typed);
  const { bin } = config;
  if (!/^command .+ not found/i.test(error.message)) {
    const page = isCommand ? `see: \`${bin} ${typed} --help\`` : `see: \`${bin} help\``;
    const meant = isCommand ? suggestFlag(error, typed, config) : undefined;
    return Object.assign(error, { usageHint: meant === undefined ? page : `${meant} ${page}` });
  }
  if (isCommand && others.length > 0) {
    error.message = `${typed} takes no argument: ${others.join(' ')}`;
    return Object.assign(error, { usageHint: `see: \`${bin} ${typed} --help\`` });
  }
  const meant = suggestCommand(typed, commands);
  const topic = typed.split(' ')[0] ?? '';
  const page = `see: \`${bin} help${commands.some((name) => name.startsWith(`${topic} `)) ? ` ${topic}` : ''}\``;
  return Object.assign(error, {
    usageHint: meant === undefined ? page : `did you mean \`${bin} ${meant}\`? ${page}`,
  });
}

function listNames({ commands }: Config): readonly string[] {
  return commands.filter(({ hidden }) => !hidden).map(({ id }) => id.replaceAll(':', ' '));
}

/** The command as typed, the longest that exists or all words, and the words behind it. */
function readWords(args: readonly string[], commands: readonly string[]): readonly string[] {
  const end = args.findIndex((word) => word.startsWith('-'));
  const words = end === -1 ? args : args.slice(0, end);
  const lengths = words.map((_word, at) => words.length - at);
  const known = lengths.find((length) => commands.includes(words.slice(0, length).join(' '))) ?? words.length;
  return [words.slice(0, known).join(' '), ...words.slice(known)];
}

/** The nearest command with as many words; arguments may follow it. */
function suggestCommand(typed: string, commands: readonly string[]): string | undefined {
  const words = typed.split(' ');
  const near = commands.map((name) => {
    const given = words.slice(0, name.split(' ').length).join(' ');
    return { name, edits: distance(given, name), length: given.length };
  });
  const [best] = near.toSorted((a, b) => a.edits - b.edits);
  return best !== undefined && best.edits <= mostEdits(best.length) ? best.name : undefined;
}

/** A typing error changes a third of a word at most. */
function mostEdits(length: number): number {
  return Math.max(1, Math.floor(length / 3));
}

function suggestFlag(error: Error, command: string, config: Config): string | undefined {
  const found = config.commands.find(({ id }) => id.replaceAll(':', ' ') === command);
  // `plan --output FILE` of earlier versions.
  if (command === 'plan' && error.message.startsWith('Expected --output=')) {
    return `a plan is saved with \`${config.bin} plan --out FILE\`;`;
  }
  const [unknown] = 'flags' in error && Array.isArray(error.flags) ? (error.flags as readonly unknown[]) : [];
  if (found === undefined || typeof unknown !== 'string') return undefined;
  const flags = Object.values(found.flags).filter(({ hidden }) => hidden !== true);
  const names = flags.map(({ name }) => `--${name}`);
  // The flags of a drill are those of another package.
  if (names.length === 0) return undefined;
  const near = closest(unknown, names);
  return distance(unknown, near) <= mostEdits(unknown.length) ? `did you mean ${near}?` : undefined;
}
