/** Words that a shell would expand; their values are unknown. */
const COMPUTED = /[$`*?[\]{}]/;

/**
 * Splits a shell script into its simple commands, each a list of unquoted words.
 *
 * Supports what manifests use: quotes, `;`, `|`, `&`, newlines, parentheses, redirections, `\` at the end of a line,
 * `exec`, and assignments in front of a command. Words with an unquoted or double-quoted expansion are left out, because the
 * shell may expand them to any value.
 */
export function splitShellCommands(script: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  let computed = false;
  let redirected = false;
  const endWord = () => {
    if (word !== undefined && !computed && !redirected) commands.at(-1)?.push(word);
    if (word !== undefined) redirected = false;
    word = undefined;
    computed = false;
  };
  for (const [token] of script.matchAll(
    /\\\n|\\.|'[^']*'|"(?:\\.|[^"\\])*"|\d*>{1,2}&?|<|[;|&()\n]|[^\S\n]+|[\s\S]/g,
  )) {
    if (token === '\\\n' || /^[^\S\n]+$/.test(token)) endWord();
    else if (/^[;|&()\n]$/.test(token)) {
      endWord();
      redirected = false;
      commands.push([]);
    } else if (/^(\d*>{1,2}&?|<)$/.test(token)) {
      endWord();
      redirected = true;
    } else {
      const [text, expands] = unquote(token);
      word = (word ?? '') + text;
      computed ||= expands;
    }
  }
  endWord();
  return commands.map(withoutPrefix).filter((command) => command.length > 0);
}

function unquote(token: string): readonly [text: string, expands: boolean] {
  if (token.length > 1 && token.startsWith("'")) return [token.slice(1, -1), false];
  if (token.length > 1 && token.startsWith('"')) {
    const text = token.slice(1, -1);
    return [text.replace(/\\(["\\$`])/g, '$1'), /(^|[^\\])[$`]/.test(text)];
  }
  if (token.length > 1 && token.startsWith('\\')) return [token.slice(1), false];
  return [token, COMPUTED.test(token)];
}

function withoutPrefix(command: readonly string[]): readonly string[] {
  const start = command.findIndex((word) => word !== 'exec' && !/^[A-Za-z_]\w*=/.test(word));
  return start === -1 ? [] : command.slice(start);
}
