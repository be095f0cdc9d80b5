import { cp, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { COMMAND } from '../../apps/cli/src/cli-process.fixture.ts';
import { recordDnsPage } from './dns-page.ts';
import { plantMachine, TRANSCRIBED, type TranscribedMachine } from './machines.ts';
import { inPipe, inTerminal, renderSection, type Shown, withoutTimes } from './shown.ts';

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
const AT_ONCE = 2;

/** A page of each machine: every command in a terminal of 80 columns and 24 lines, and in a pipe where it shows something else. */
export async function recordTranscripts(): Promise<ReadonlyMap<string, string>> {
  const directory = await mkdtemp('/tmp/node-');
  try {
    const pages = new Map<string, string>();
    for (const machine of TRANSCRIBED) {
      const root = await plantMachine(machine, directory);
      pages.set(machine.name, await recordMachine(machine, root, directory));
    }
    pages.set('dns', await recordDnsPage());
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

${machine.broken} Recorded by \`npm run docs:transcripts\` from a copy of the node's files; a test compares. Times are all zeros; steps that
run side by side are sorted.

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
  return renderSection(`kube-rescue ${words.join(' ')}`, await show(inTerminal), await show(inPipe));
}
