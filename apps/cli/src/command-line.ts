/** Shared with the command line of the drill package: flags, answers, the envelope, exit codes. */
export { type Answer, BaseCommand } from './base-command.ts';
export { seconds } from './flags.ts';
export { type Envelope, usageError, wrapError, wrapResult } from './envelope.ts';
export { VIA } from './etcd/etcd-flags.ts';
export { runCommandLine } from './command-line-run.ts';
export { EXIT, type ExitCode } from './exit-codes.ts';
export { default as HelpWithExitCodes } from './help.ts';
export { type Interruption, listenForInterruption } from './interruption.ts';
export { PROGRAM } from './main.ts';
export { createProgress, type Progress } from './render/progress.ts';
export { paint } from './render/style.ts';
export { count, formatSeconds, indentText } from './render/text.ts';
export { renderTimeline, type TimelineEntry } from './render/timeline.ts';
export type { Terminal } from './terminal.ts';
export type { Streams } from './wiring.ts';
