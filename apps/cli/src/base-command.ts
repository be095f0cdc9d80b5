import { printable } from '@kube-rescue/errors';
import { createLocalHost, hostPath, preventCoreDumps, showInPager } from '@kube-rescue/host';
import { Command, type Interfaces } from '@oclif/core';
import { resolve } from 'node:path';
import { renderDocument } from './document.ts';
import { callOf, type TypedWord } from './call.ts';
import { wrapError, wrapResult } from './envelope.ts';
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts';
import { nodeFlags, outputFlags } from './flags.ts';
import { documentFormat, isWide } from './output-format.ts';
import { afterWrites } from './recorded-writes.ts';
import { printError } from './render/error.ts';
import { secretArguments } from './secret-arguments.ts';
import { noticeRenamedFlags } from './renamed-flags.ts';
import { safeText } from './render/style.ts';
import type { Terminal } from './terminal.ts';
import { type Invocation, type NodeFlags, openSession, openStreams, type Session } from './wiring.ts';

/** Result of a command. */
export interface Answer<R extends object = object> {
  /** Always an object, so that it can grow. */
  readonly result: R;
  readonly exitCode: ExitCode;
  /** The result as text. */
  readonly text: (terminal: Terminal) => string;
  /** The answer under `-o yaml`, where that is not the envelope: objects that kubectl reads. Default: the envelope. */
  readonly yaml?: string | undefined;
  /** Shown page by page on a terminal. Default: false. */
  readonly isLong?: boolean | undefined;
  /** Receives the output instead of the standard output; relative to the working directory. Default: none. */
  readonly outputFile?: string | undefined;
  /** Set when the result itself is a failure. */
  readonly failure?: Error | undefined;
  /** Nothing is printed: the standard output is that of `work`. Default: false. */
  readonly isUnprinted?: boolean | undefined;
  /**
   * What goes on after the answer was printed: a server in the foreground. Its exit status replaces `exitCode`; its failure is
   * printed on the error output alone, because the document is printed already. Default: nothing.
   */
  readonly work?: (() => Promise<number>) | undefined;
}

/**
 * A command: flags to input, one call of a package, an answer. Prints the answer once, as text or as the JSON envelope;
 * `main` prints failures the same way. The JSON mode of oclif is not used: it drops exit codes, mutes the error output and
 * prints nothing for falsy results.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = outputFlags;

  protected abstract answer(): Promise<Answer>;

  /** Releases the resources of the answer. */
  protected async finish(): Promise<void> {}

  /** Adds context to a failure of the answer. */
  protected explain(error: unknown): unknown {
    return error;
  }

  /** The exit status of a failure. */
  protected exitCodeOf(error: unknown): ExitCode {
    return exitCodeFor(error);
  }

  protected readonly streams = openStreams(this.argv, callOf(this.argv, this.config));

  override async run(): Promise<void> {
    const answer = await this.answerAndFinish();
    if (answer.isUnprinted !== true) await this.print(answer);
    if (answer.work !== undefined) await this.goOn(answer.work);
  }

  private async goOn(work: () => Promise<number>): Promise<void> {
    try {
      process.exitCode = await work();
    } catch (error) {
      const exitCode = this.exitCodeOf(error);
      process.exitCode = exitCode;
      printError(error, this.streams.reporter, exitCode === EXIT.bug, secretArguments(this.argv));
    }
  }

  private async print(answer: Answer): Promise<void> {
    const { result, exitCode, text, yaml, failure, isLong, outputFile } = answer;
    const { reporter } = this.streams;
    const stdout = isWide(this.argv) ? { ...this.streams.stdout, unbounded: true, wide: true } : this.streams.stdout;
    process.exitCode = exitCode;
    const hidden = secretArguments(this.argv);
    const format = documentFormat(this.argv);
    if (format === 'yaml' && yaml !== undefined) {
      await printOutput(`${printable(yaml)}\n`, outputFile);
    } else if (format !== undefined) {
      const { warnings } = reporter;
      const envelope =
        failure === undefined ? wrapResult(result, warnings) : wrapError(failure, warnings, result, hidden);
      await printOutput(await renderDocument(envelope, exitCode, { format, call: stdout.call }), outputFile);
    } else if (outputFile !== undefined) {
      const plain = { ...stdout, colour: false, live: false, unbounded: true };
      await printOutput(`${safeText(text(plain), plain)}\n`, outputFile);
    } else {
      const shown = `${safeText(text(stdout), stdout)}\n`;
      const isPaged = isLong === true && stdout.live && (await showInPager(shown));
      if (!isPaged) process.stdout.write(shown);
    }
    if (failure !== undefined) printError(failure, reporter, false, hidden);
  }

  private async answerAndFinish(): Promise<Answer> {
    await this.disableCoreDumps();
    const flags = { ...this.ctor.baseFlags, ...this.ctor.flags };
    for (const notice of noticeRenamedFlags(this.argv, flags)) this.streams.reporter.print(notice);
    try {
      return await this.answer();
    } catch (error) {
      throw this.explain(error);
    } finally {
      await this.finish();
    }
  }

  /** Before the first key is read. */
  private async disableCoreDumps(): Promise<void> {
    const failure = await preventCoreDumps();
    if (failure === undefined) return;
    this.streams.reporter.warn(
      `core dumps of this process would contain keys and could not be disabled: ${failure}; disable core dumps on this machine`,
    );
  }

  protected override async catch(error: Error): Promise<never> {
    throw Object.assign(error, { warnings: this.streams.reporter.warnings, exitCode: this.exitCodeOf(error) });
  }
}

/** What the parser makes of a command line. */
interface ParsedLine extends Pick<Invocation, 'flags' | 'args'> {
  readonly raw: readonly TypedWord[];
}

/** A command on this node, or on a copy of its files. */
export abstract class NodeCommand extends BaseCommand {
  static override baseFlags = { ...outputFlags, ...nodeFlags };

  #session: Session | undefined;
  #parsed: Pick<Invocation, 'flags' | 'args' | 'typed'> = { flags: {}, args: {}, typed: [] };

  protected override async parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(options?: Interfaces.Input<F, B, A>, argv?: string[]): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse(options, argv);
    const { flags, args, raw } = parsed;
    this.#parsed = { flags, args, typed: raw };
    return parsed;
  }

  /**
   * The command line; with `--resume`, the one that the run to resume began with; with `--plan`, the one of the plan.
   * @throws WorkflowError `RESUME_CONTRADICTS` `RESUME_INPUT_CHANGED`; CliError `PLAN_DIFFERS` `PLAN_FILE_INVALID`
   */
  protected async parseRun<P extends ParsedLine>(parse: (argv?: string[]) => Promise<P>): Promise<P> {
    const typed = await parse();
    const { flags, args, raw }: ParsedLine = typed;
    const given = new Set(raw.flatMap((token) => (token.type === 'flag' ? [token.flag] : [])));
    const { plan } = flags;
    if (typeof plan === 'string') {
      const { readPlannedArguments } = await import('./resume/planned-arguments.ts');
      const forms = { ...this.ctor.baseFlags, ...this.ctor.flags };
      return parse(await readPlannedArguments({ plan, flags, given, forms }));
    }
    if (flags['resume'] !== true) return typed;
    const { readResumedArguments } = await import('./resume/resumed-arguments.ts');
    const { argumentsOf, commandOf } = await import('./resume/run-origin.ts');
    const command = commandOf({ words: this.#words(), args });
    const forms = { ...this.ctor.baseFlags, ...this.ctor.flags };
    const input = { command, args: argumentsOf(args), flags, given, forms };
    const argv = await readResumedArguments(input, this.streams.reporter);
    return argv === undefined ? typed : parse(argv);
  }

  protected async openSession(flags: NodeFlags): Promise<Session> {
    const hasSecrets = secretArguments(this.argv).length > 0;
    const invocation = { ...this.#parsed, hasSecrets, words: this.#words(), version: this.config.version };
    this.#session = await openSession(flags, this.streams, invocation);
    return this.#session;
  }

  #words(): readonly string[] {
    return (this.id ?? '').split(':');
  }

  protected override explain(error: unknown): unknown {
    return this.#session === undefined ? error : afterWrites(error, this.#session.writes);
  }

  protected override async finish(): Promise<void> {
    await this.#session?.close();
  }
}

const OUTPUT_MODE = 0o644;

/** Another process reads the file: it sees the old content or the new one, never a part. @throws HostError */
async function printOutput(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    process.stdout.write(text);
    return;
  }
  await createLocalHost().writeFile(hostPath(resolve(file)), new TextEncoder().encode(text), { mode: OUTPUT_MODE });
}
