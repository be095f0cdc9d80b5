import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { shellLine } from '@kube-rescue/host';
import { COMMAND } from '../../apps/cli/src/cli-process.fixture.ts';
import { plantMachine, TRANSCRIBED, type TranscribedMachine } from './machines.ts';
import { linesOnScreen } from './screen.ts';

/** Where the pages are, by the name of their machine. */
export const TRANSCRIPTS = new URL('../../docs/reference/transcripts/', import.meta.url);

const COMMANDS: readonly (readonly string[])[] = [
  ['triage'],
  ['plan'],
  ['certs', 'check'],
  ['recover', '--dry-run'],
  ['recover', '--yes'],
  ['dns', 'check'],
];
const SIZE = 'stty rows 24 columns 80';
const AT_ONCE = 2;

/** What a program was given and showed. */
interface Shown {
  readonly text: string;
  readonly exitCode: number;
}

/** A page of each machine: every command in a terminal of 80 columns and 24 lines, and in a pipe where it shows something else. */
export async function recordTranscripts(): Promise<ReadonlyMap<string, string>> {
  const directory = await mkdtemp('/tmp/node-');
  try {
    const pages = new Map<string, string>();
    for (const machine of TRANSCRIBED) {
      const root = await plantMachine(machine, directory);
      pages.set(machine.name, await recordMachine(machine, root, directory));
    }
    return pages;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function recordMachine(machine: TranscribedMachine, root: string, directory: string): Promise<string> {
  const sections: string[] = [];
  const waiting = [...COMMANDS.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [at, words] = next;
      sections[at] = await recordCommand(words, root, directory);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return `# ${machine.name}

${machine.broken} Recorded by \`npm run docs:transcripts\` from a copy of the node's files; a test compares. Times are all zeros.

${sections.join('\n')}`;
}

/** Each on a copy of its own, at the same path: a recovery changes it. */
async function recordCommand(words: readonly string[], root: string, directory: string): Promise<string> {
  const fresh = async (): Promise<string> => {
    const parent = await mkdtemp('/tmp/node-');
    await cp(root, path.join(parent, path.basename(root)), {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
    return parent;
  };
  const show = async (run: (argv: readonly string[]) => Promise<Shown>): Promise<Shown> => {
    const parent = await fresh();
    try {
      const { text, exitCode } = await run([...COMMAND, ...words, '--root', path.join(parent, path.basename(root))]);
      return {
        text: withoutTimes(text.replaceAll(parent, '/tmp/node-XXXXXX').replaceAll(directory, '/tmp/node-XXXXXX')),
        exitCode,
      };
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  };
  const terminal = await show(inTerminal);
  const pipe = await show(inPipe);
  if (terminal.exitCode !== pipe.exitCode)
    throw new Error(`${words.join(' ')}: ${terminal.exitCode} and ${pipe.exitCode}`);
  const piped = pipe.text === terminal.text ? [] : ['In a pipe:', '', fence(pipe.text), ''];
  return [
    `## kube-rescue ${words.join(' ')}`,
    '',
    fence(terminal.text),
    '',
    ...piped,
    `Exit code ${terminal.exitCode}.`,
    '',
  ].join('\n');
}

function fence(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

/** Error output and standard output share the terminal. */
async function inTerminal(argv: readonly string[]): Promise<Shown> {
  const line = `${SIZE}; exec ${shellLine(argv)}`;
  const { text, exitCode } = await runProgram('script', ['--quiet', '--return', '--command', line, '/dev/null']);
  return { text: linesOnScreen(text).join('\n'), exitCode };
}

async function inPipe(argv: readonly string[]): Promise<Shown> {
  const { text, exitCode } = await runProgram('sh', ['-c', `exec ${shellLine(argv)} 2>&1`]);
  return { text: text.trimEnd(), exitCode };
}

function runProgram(program: string, args: readonly string[]): Promise<Shown> {
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: '/nonexistent', LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { env }, (error, stdout) => {
      const code = error === null ? 0 : error.code;
      if (typeof code !== 'number') return reject(error ?? new Error('no exit code'));
      resolve({ text: stdout, exitCode: code });
    });
    child.stdin?.end();
  });
}

/** Zeros of the same width, so that no line is broken elsewhere. */
function withoutTimes(text: string): string {
  return text
    .replaceAll(/\n SECONDS +TIMELINE\n(?:.+\n)+\n?/g, '')
    .replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{4}/g, '00000000T000000Z-0000')
    .replaceAll(/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d/g, '0000-00-00-00-00-00')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '0000-00-00 00:00:00')
    .replaceAll(/\d{4}-\d\d-\d\d/g, '0000-00-00')
    .replaceAll(/\d\d:\d\d:\d\d UTC/g, '00:00:00 UTC')
    .replaceAll(/ \(\d+\.\d\s+s\)/g, '')
    .replaceAll(/ *\d+\.\d s {2}/g, '   0.0 s  ')
    .replaceAll(/\d+\.\d s/g, '0.0 s');
}
