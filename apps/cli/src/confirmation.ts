import { CliError } from './errors.ts';

/** Flags and streams that decide whether to ask the operator. */
export interface ConfirmationInput {
  readonly yes: boolean;
  /** Standard input and error output are terminals. */
  readonly hasTerminal: boolean;
  /** The command as it was typed, without `--yes`; it has `--dry-run` too. Default: not known, or a secret is in it. */
  readonly command?: string | undefined;
}

/**
 * Refuses without `--yes` and without a terminal, instead of waiting for ever.
 * @throws CliError `CONFIRMATION_REQUIRED`
 */
export function assertCanConfirm({ yes, hasTerminal, command }: ConfirmationInput): void {
  if (yes || hasTerminal) return;
  throw new CliError({
    code: 'CONFIRMATION_REQUIRED',
    message: 'refusing to continue without confirmation: stdin is not a terminal; pass --yes',
    subject: '--yes',
    hint:
      command === undefined
        ? 'pass --yes to skip the question, or --dry-run to see the changes'
        : `see the changes with \`kube-rescue ${command} --dry-run\`, make them with \`kube-rescue ${command} --yes\``,
  });
}

/** Whether this process can ask the operator; the question goes to the error output. */
export function isOnTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks on the error output; the default is no.
 *
 * @throws an `AbortPromptError` or `ExitPromptError` when `signal` aborts, or the input ends without an answer
 */
export async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const { default: confirm } = await import('@inquirer/confirm');
  // At the end of the input the prompt neither answers nor fails, and Node would exit with its own status.
  const inputEnd = new AbortController();
  const onInputEnd = (): void => inputEnd.abort();
  process.once('beforeExit', onInputEnd);
  try {
    const context = { signal: AbortSignal.any([signal, inputEnd.signal]), output: process.stderr };
    return await confirm({ message: question, default: false }, context);
  } finally {
    process.off('beforeExit', onInputEnd);
  }
}
