import { CliError } from './errors.ts';

/** The flags and streams that decide whether a person is asked. */
export interface ConfirmationInput {
  readonly yes: boolean;
  /** Both ends of a terminal are there: one to show the question, one to answer it. */
  readonly hasTerminal: boolean;
}

/**
 * Refuses at once where nobody can be asked and nobody said yes; a prompt that waits for ever is worse.
 * @throws CliError `CONFIRMATION_REQUIRED`
 */
export function assertCanConfirm({ yes, hasTerminal }: ConfirmationInput): void {
  if (yes || hasTerminal) return;
  throw new CliError({
    code: 'CONFIRMATION_REQUIRED',
    message: 'there is no terminal to ask on; nothing was changed',
    subject: '--yes',
    hint: 'say --yes to go on without being asked, or --dry-run to see what would be done',
  });
}

/** Whether this process can ask a person; the question goes to the error output. */
export function isOnTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks on the error output; the default is no.
 *
 * @throws an `AbortPromptError` or `ExitPromptError` when `signal` aborts, or the input ends without an answer
 */
export async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const { confirm } = await import('@inquirer/prompts');
  // At the end of the input the prompt neither answers nor fails, and Node would leave with a status of its own.
  const deserted = new AbortController();
  const onDeserted = (): void => deserted.abort();
  process.once('beforeExit', onDeserted);
  try {
    const context = { signal: AbortSignal.any([signal, deserted.signal]), output: process.stderr };
    return await confirm({ message: question, default: false }, context);
  } finally {
    process.off('beforeExit', onDeserted);
  }
}
