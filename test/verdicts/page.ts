import { triageNode } from '@kube-rescue/diagnosis';
import { isRecoveryError } from '@kube-rescue/errors';
import { EXIT, EXIT_MEANINGS, type ExitCode, exitCodeFor } from '../../apps/cli/src/exit-codes.ts';
import { createReporter } from '../../apps/cli/src/reporter.ts';
import { printError } from '../../apps/cli/src/render/error.ts';
import { renderTriage } from '../../apps/cli/src/render/triage.ts';
import type { Machine } from './machine.ts';

/** A pipe, as in a script: 80 columns, no colour. */
const TERMINAL = { columns: 80, colour: false, live: false };

/** What `triage` prints on a machine, and its exit code. */
interface Printed {
  readonly text: string;
  readonly exitCode: ExitCode;
}

/**
 * The page of verdicts: each machine is built and triaged. The same text each time: the machines have a fixed clock, and a triage
 * prints nothing of a key.
 */
export async function renderVerdicts(machines: readonly Machine[]): Promise<string> {
  const sections: string[] = [];
  for (const machine of machines) {
    const { text, exitCode } = await triageMachine(machine);
    const [, meaning = ''] = EXIT_MEANINGS.find(([code]) => code === exitCode) ?? [];
    sections.push(`## ${machine.title}

${machine.broken}

\`\`\`text
${text}
\`\`\`

Exit code ${exitCode}: ${meaning}.
`);
  }
  return `# What triage says

${machines.length} machines, and what \`kube-rescue triage --verbose\` prints on each. \`npm run docs:verdicts\` builds every machine, runs triage on it and
writes this page; a test compares the page with a fresh run.

A machine is a kubeadm node named node01 with the address 10.9.0.11, unless its text says otherwise. Where no component is listed, triage
read a copy of the node's files, as with \`--root\`.

${machines.map(({ title }) => `- [${title}](#${anchorOf(title)})`).join('\n')}

${sections.join('\n')}`;
}

/** Runs `triage` on a machine, as the command line does. */
async function triageMachine({ build }: Machine): Promise<Printed> {
  const node = await build();
  try {
    const triage = await triageNode(node, new AbortController().signal);
    const text = renderTriage(triage, TERMINAL, { verbose: true }).trimEnd();
    return { text, exitCode: triage.healthy ? EXIT.done : EXIT.problems };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    const lines: string[] = [];
    printError(error, createReporter({ write: (line) => lines.push(String(line)) > 0 }, TERMINAL));
    return { text: lines.join('').trimEnd(), exitCode: exitCodeFor(error) };
  }
}

/** The anchor that GitHub gives a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
