import { type ListedCommand, type ListedFlag, nextWords, topicsOf, valueOf } from './listed-commands.ts';

/** A completion script, and its location below a prefix such as `/usr`. */
export interface Completion {
  readonly path: string;
  readonly text: string;
}

/** The shells with a script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

const SCRIPTS = { bash, zsh, fish };

/** The completion script of a shell. It asks the program nothing: a node in trouble answers the tab key at once. */
export function completionScript(shell: (typeof SHELLS)[number], commands: readonly ListedCommand[]): string {
  return SCRIPTS[shell](commands);
}

/** Scripts for bash, zsh and fish, as {@link completionScript}. */
export function completions(commands: readonly ListedCommand[]): readonly Completion[] {
  return [
    { path: 'share/bash-completion/completions/kube-rescue', text: bash(commands) },
    { path: 'share/zsh/vendor-completions/_kube-rescue', text: zsh(commands) },
    { path: 'share/fish/vendor_completions.d/kube-rescue.fish', text: fish(commands) },
  ];
}

function bash(commands: readonly ListedCommand[]): string {
  const topics = topicsOf(commands).map(
    (words) => `    "${words.join(' ')}") next="${nextWords(commands, words).join(' ')}" ;;`,
  );
  const flags = commands.map(
    ({ words, flags: each }) =>
      `    "${words.join(' ')}") flags="${[...each.map(({ name }) => `--${name}`), '--help'].join(' ')}" ;;`,
  );
  return `# bash completion for kube-rescue
_kube_rescue() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" next="" flags="" at word
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    [[ $word == -* ]] && break
    case "\${command:+$command }$word" in
${prefixesOf(commands)
  .map((words) => `      "${words}")`)
  .join('\n')
  .replaceAll('")\n      "', '"|\\\n      "')} command="\${command:+$command }$word" ;;
      *) break ;;
    esac
  done
  case "$command" in
${topics.join('\n')}
  esac
  case "$command" in
${flags.join('\n')}
  esac
  case "$command $previous" in
${commands.flatMap((command) => command.flags.flatMap((flag) => bashValue(command, flag))).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next $flags" -- "$current"))
}
complete -F _kube_rescue kube-rescue kubectl-rescue
`;
}

function bashValue({ words }: ListedCommand, flag: ListedFlag): readonly string[] {
  const when = `    "${words.join(' ')} --${flag.name}")`;
  switch (valueOf(flag)) {
    case 'none':
      return [];
    case 'choice':
      return [`${when} COMPREPLY=($(compgen -W "${flag.options?.join(' ')}" -- "$current")); return ;;`];
    case 'directory':
      return [`${when} compopt -o filenames; COMPREPLY=($(compgen -d -- "$current")); return ;;`];
    case 'file':
      return [`${when} compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return ;;`];
    case 'other':
      return [`${when} COMPREPLY=(); return ;;`];
  }
}

/** Every beginning of a command: `certs`, `certs csr`, `certs csr export`. */
function prefixesOf(commands: readonly ListedCommand[]): readonly string[] {
  return [...new Set(commands.flatMap(({ words }) => words.map((_word, at) => words.slice(0, at + 1).join(' '))))];
}

function zsh(commands: readonly ListedCommand[]): string {
  const branches = topicsOf(commands).map((words) => {
    const next = nextWords(commands, words).map((word) => zshItem(word, summaryOf(commands, [...words, word])));
    return `    "${words.join(' ')}") next=(${next.join(' ')}) ;;`;
  });
  const flags = commands.map(({ words, flags: each }) => {
    const forms = each.map((flag) => `'--${flag.name}${zshText(flag)}'`);
    return `    "${words.join(' ')}") flags=(${forms.join(' ')} '--help[show the flags]') ;;`;
  });
  return `#compdef kube-rescue kubectl-rescue
# zsh completion for kube-rescue
_kube-rescue() {
  local command="" word
  local -a next flags
  integer at=2
  while (( at < CURRENT )); do
    word="\${words[at]}"
    [[ $word == -* ]] && break
    case "\${command:+$command }$word" in
      ${prefixesOf(commands)
        .map((words) => `"${words}"`)
        .join('|')}) command="\${command:+$command }$word" ;;
      *) break ;;
    esac
    (( at++ ))
  done
  case "$command" in
${branches.join('\n')}
  esac
  case "$command" in
${flags.join('\n')}
  esac
  if (( $#next )) && (( at == CURRENT )); then
    _describe -t commands 'command' next
    return
  fi
  (( CURRENT -= at - 2 ))
  words=("\${words[1]}" "\${(@)words[at,-1]}")
  _arguments -S $flags '*:file:_files'
}
_kube-rescue "$@"
`;
}

function zshItem(word: string, summary: string): string {
  return `'${word}:${summary.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`;
}

function zshText(flag: ListedFlag): string {
  const description = (flag.description ?? '').replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, '\\$&');
  const action = {
    none: '',
    choice: `(${flag.options?.join(' ')})`,
    directory: '_files -/',
    file: '_files',
    other: ' ',
  }[valueOf(flag)];
  return `[${description}]${valueOf(flag) === 'none' ? '' : `:${flag.helpValue ?? 'value'}:${action}`}`;
}

function summaryOf(commands: readonly ListedCommand[], words: readonly string[]): string {
  const path = words.join(' ');
  return commands.find((command) => command.words.join(' ') === path)?.summary ?? nextWords(commands, words).join(', ');
}

function fish(commands: readonly ListedCommand[]): string {
  const names = topicsOf(commands).flatMap((words) =>
    nextWords(commands, words).map(
      (word) =>
        `complete -c kube-rescue -f -n '__kube_rescue_at "${words.join(' ')}"' -a ${word} -d ${quote(summaryOf(commands, [...words, word]))}`,
    ),
  );
  const flags = commands.flatMap(({ words, flags: each }) =>
    each.map(
      (flag) =>
        `complete -c kube-rescue -n '__kube_rescue_at "${words.join(' ')}"' -l ${flag.name} -d ${quote(flag.description ?? '')}${fishValue(flag)}`,
    ),
  );
  return `# fish completion for kube-rescue
function __kube_rescue_at
    set -l found
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and break
        set -l longer (string join ' ' $found $word)
        contains -- $longer ${prefixesOf(commands).map(quote).join(' ')}; or break
        set found $longer
    end
    test "$argv[1]" = "$found"
end
${[...names, ...flags].join('\n')}
complete -c kubectl-rescue -w kube-rescue
`;
}

function fishValue(flag: ListedFlag): string {
  switch (valueOf(flag)) {
    case 'none':
      return '';
    case 'choice':
      return ` -x -a ${quote(flag.options?.join(' ') ?? '')}`;
    case 'directory':
      return " -x -a '(__fish_complete_directories)'";
    case 'file':
      return ' -r';
    case 'other':
      return ' -x';
  }
}

/** A word in single quotes, as fish reads it. */
function quote(raw: string): string {
  return `'${raw.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
