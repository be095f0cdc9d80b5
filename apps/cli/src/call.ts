import { shellLine } from '@kube-rescue/host';
import type { Interfaces } from '@oclif/core';

/** How this program was called, as far as every command line that it prints has it in common. */
export interface Call {
  /** `kube-rescue`, or `kubectl rescue`. */
  readonly program: string;
  /** The flags that select the node, as they were given: `--root`, then its value. */
  readonly flags: readonly (readonly [flag: string, value: string])[];
  /** The flags of a command by its words; `undefined` for words that are no command. */
  readonly flagsOf: (words: string) => readonly string[] | undefined;
}

/** The name in every hint of a package. */
const PROGRAM = 'kube-rescue';
/** They select the node, so that a command without them would work on another one. */
const NODE_FLAGS = ['--root', '--kubernetes-dir', '--manifests-dir', '--service-command', '--kubelet-service'];
/** A command in a text, with what follows it up to the end of the quote or of the clause. */
const COMMAND = /\bkube-rescue((?: [a-z][a-z-]*)+)((?:(?![`;)]|, |kube-rescue )[^])*)/g;
/** What a text quotes. */
const QUOTED = /`([^`]+)`/g;

/** Reads from the arguments what selects the node. Does not use the parser: the hint of a wrong flag is a command line too. */
export function readCall(argv: readonly string[], { program, flagsOf }: Pick<Call, 'program' | 'flagsOf'>): Call {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  const flags = words.flatMap((word, at): [string, string][] => {
    const [, name = word, inside] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? [];
    const value = inside ?? words[at + 1];
    return NODE_FLAGS.includes(name) && value !== undefined ? [[name, value]] : [];
  });
  return { program, flags, flagsOf };
}

/** As {@link readCall}, with the names and the commands of the program. */
export function callOf(argv: readonly string[], config: Pick<Interfaces.Config, 'bin' | 'findCommand'>): Call {
  const flagsOf = (words: string): readonly string[] | undefined => {
    const command = config.findCommand(words.replaceAll(' ', ':'));
    return command === undefined ? undefined : Object.keys(command.flags);
  };
  return readCall(argv, { program: config.bin, flagsOf });
}

/** A flag or an argument of a command line after parsing, and what was typed for it. */
export type TypedWord =
  | { readonly type: 'flag'; readonly flag: string; readonly input: string }
  | { readonly type: 'arg'; readonly input: string };

/** The flags and arguments as they were typed, to append to a command, without some flags and those that select the node. */
export function typedWords(typed: readonly TypedWord[], without: readonly string[]): string {
  const words = typed.flatMap((token): readonly string[] => {
    if (token.type === 'arg') return [token.input];
    const { flag, input } = token;
    if (without.includes(flag) || NODE_FLAGS.includes(`--${flag}`)) return [];
    // The parser has the flag itself as the input of one that takes no value.
    return /^-(?:-|[a-z]$)/i.test(input) ? [`--${flag}`] : [`--${flag}`, input];
  });
  return words.length === 0 ? '' : ` ${shellLine(words)}`;
}

/**
 * A command line to paste: the program as it was called, the command, and the flags of this call that select the node.
 * @param command its words, flags and arguments, quoted for a shell
 */
export function commandLine(command: string, call: Call | undefined): string {
  return withCommandLines(`${PROGRAM} ${command}`, call);
}

/** The text with each command of this program as {@link commandLine} writes it. */
export function withCommandLines(text: string, call: Call | undefined): string {
  if (call === undefined) return text;
  return text.replaceAll(COMMAND, (found, named: string, rest: string) => {
    const words = named.trim().split(' ');
    const length = words.findLastIndex((_, last) => call.flagsOf(words.slice(0, last + 1).join(' ')) !== undefined) + 1;
    if (length === 0) return found;
    const command = words.slice(0, length).join(' ');
    const known = call.flagsOf(command) ?? [];
    const after = [...words.slice(length).map((word) => ` ${word}`), rest].join('');
    const flags = call.flags.filter(([flag]) => known.includes(flag.slice(2)) && !after.includes(` ${flag}`));
    return `${[call.program, command, ...flags.map((flag) => shellLine(flag))].join(' ')}${after}`;
  });
}

/** The command lines of this program that a text quotes, as they stand in it. */
export function commandsIn(text: string, call: Call | undefined): readonly string[] {
  const quoted = [...text.matchAll(QUOTED)].flatMap(([, line]) => (line === undefined ? [] : [line]));
  return quoted.filter((line) => line.startsWith(`${call?.program ?? PROGRAM} `));
}
