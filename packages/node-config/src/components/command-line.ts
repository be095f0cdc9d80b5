import { isComponent, programName } from './component.ts';
import { splitShellCommands } from './shell-words.ts';

/** The program and flags of a container or process. */
export interface CommandLine {
  /** The program's base name; `undefined` when the image sets it. */
  readonly program: string | undefined;
  /** Flag name (dashes, no leading ones) to value; a flag without a value is `true`. */
  readonly flags: ReadonlyMap<string, string>;
}

const SHELLS = ['sh', 'bash', 'ash', 'dash'];

/** Flags that accumulate over several uses: component-base's `ConfigurationMap` and `NamedCertKeyArray`, pflag's `StringArray`. */
const ADDING = ['node-labels', 'service-account-key-file', 'tls-sni-cert-key'];

/** Before 1.16 one binary held every component, selected by its first argument. */
const HYPERKUBE_NAMES: Readonly<Record<string, string>> = {
  apiserver: 'kube-apiserver',
  'controller-manager': 'kube-controller-manager',
  scheduler: 'kube-scheduler',
};

/**
 * Finds the program and its flags in a command line, also behind `sh -c`, a wrapper program or hyperkube.
 *
 * A shell script contributes only plain words: a flag whose value the shell would compute is left out.
 */
export function readCommandLine(words: readonly string[]): CommandLine {
  const plain = unwrapShell(words);
  const at = plain.findIndex((word) => isComponent(programName(word)));
  if (at !== -1) return { program: programName(plain[at] ?? ''), flags: parseFlags(plain.slice(at + 1)) };
  // Tectonic wraps its API server in flock(1).
  const hyperkube = plain.findIndex((word) => programName(word) === 'hyperkube');
  const line = hyperkube === -1 ? plain : plain.slice(hyperkube);
  const [first, second] = line;
  if (first === undefined) return { program: undefined, flags: new Map() };
  if (first.startsWith('-')) return { program: undefined, flags: parseFlags(line) };
  const program = programName(first);
  const bundled = program === 'hyperkube' && second !== undefined ? (HYPERKUBE_NAMES[second] ?? second) : undefined;
  return bundled === undefined
    ? { program, flags: parseFlags(line.slice(1)) }
    : { program: bundled, flags: parseFlags(line.slice(2)) };
}

function unwrapShell(words: readonly string[]): readonly string[] {
  const [shell, option, script] = words;
  if (shell === undefined || !SHELLS.includes(programName(shell))) return words;
  if (option === undefined || !/^-\w*c$/.test(option) || script === undefined) return words;
  const commands = splitShellCommands(script);
  return commands.find((command) => command.some((word) => isComponent(programName(word)))) ?? commands.at(-1) ?? [];
}

/**
 * Reads flags as pflag and Go's own flag package do: `--name=value`, `--name value`, `-name=value`; the last use of a flag
 * wins (unless the flag accumulates), `_` is `-`, and `--` ends the flags.
 *
 * Boolean flags are unknown, so the word after a boolean flag counts as its value.
 */
function parseFlags(words: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (let index = 0; index < words.length && words[index] !== '--'; index += 1) {
    const match = /^--?([A-Za-z][\w.-]*)(?:=([\s\S]*))?$/.exec(words[index] ?? '');
    if (match?.[1] === undefined) continue;
    const next = words[index + 1];
    let value = match[2];
    if (value === undefined && next !== undefined && !/^--?[A-Za-z-]/.test(next)) {
      value = next;
      index += 1;
    }
    const name = match[1].replaceAll('_', '-');
    const earlier = ADDING.includes(name) ? flags.get(name) : undefined;
    flags.set(name, earlier === undefined ? (value ?? 'true') : `${earlier},${value ?? 'true'}`);
  }
  return flags;
}
