import { guardHost, runInForeground, shellLine } from '@kube-rescue/host';
import type { ThrowawayApi, ThrowawayApiInput } from '@kube-rescue/recovery';
import type { Answer } from '../base-command.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { createProgress } from '../render/progress.ts';
import { assertMayWrite, type Session } from '../wiring.ts';

/** A throwaway API server, as plain data. */
export interface ThrowawayRow {
  readonly server: string;
  readonly kubeconfig: string;
  /** Of the API server. */
  readonly version: string;
  readonly writable: boolean;
  /** Of the etcd whose data is shown; `null` with `--from-snapshot`. */
  readonly endpoint: string | null;
  readonly snapshot: string | null;
  /** What is shown, is of this revision of etcd; a writable one goes on from there. */
  readonly revision: number;
  /** The snapshot that was taken before a writable one was started. */
  readonly backup: string | null;
}

/** Starts the server; it ends with a Ctrl-C, or with the command behind `--`. */
export async function answerThrowaway(
  input: Omit<ThrowawayApiInput, 'onProgress' | 'files'>,
  command: readonly [string, ...string[]] | undefined,
  session: Session,
): Promise<Answer> {
  const { node, localFiles, clock, host, reporter, interruption } = session;
  assertMayWrite(host);
  const { startThrowawayApi } = await import('@kube-rescue/recovery');
  const progress = createProgress(reporter, clock);
  const title = 'start a throwaway API server';
  progress.begin(title);
  // It removes what it writes: neither journalled nor reported.
  const deps = { host: guardHost(localFiles.journalHost), clock };
  let api: ThrowawayApi;
  try {
    const onProgress = (what: string): void => progress.waitFor(what);
    api = await startThrowawayApi(
      node,
      { ...input, files: localFiles.journalHost, onProgress },
      deps,
      interruption.signal,
    );
    progress.end('done', title);
  } finally {
    progress.stop();
  }
  for (const directory of api.abandoned) {
    reporter.warn(`removed what a killed \`kube-rescue api\` had left behind: ${directory}`);
  }
  interruption.remember(`the next \`kube-rescue api\` removes the files of ${api.kubeconfig}`);
  const result = rowOf(api);
  return {
    result,
    exitCode: EXIT.done,
    text: () => describe(result),
    isUnprinted: command !== undefined,
    work: async () => serve(api, command, session),
  };
}

/** @returns the exit status: of the command, or of the end by a Ctrl-C */
async function serve(
  api: ThrowawayApi,
  command: readonly [string, ...string[]] | undefined,
  { interruption: { signal } }: Session,
): Promise<number> {
  try {
    if (command !== undefined) return await runInForeground(command, { KUBECONFIG: api.kubeconfig }, signal);
    const ended = await Promise.race([aborted(signal), api.ended]);
    if (ended === undefined) return EXIT.done;
    throw new CliError({
      code: 'SERVER_ENDED',
      message: `the throwaway API server ended by itself: ${ended}`,
      subject: api.server,
      hint: 'nothing is left behind; start it again',
    });
  } finally {
    await api.stop();
  }
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function rowOf({ server, kubeconfig, version, isWritable, source, backup }: ThrowawayApi): ThrowawayRow {
  const { endpoint = null, snapshot = null, revision } = source;
  return { server, kubeconfig, version, writable: isWritable, endpoint, snapshot, revision, backup: backup ?? null };
}

function describe({
  kubeconfig,
  server,
  version,
  writable,
  endpoint,
  snapshot,
  revision,
  backup,
}: ThrowawayRow): string {
  const from = snapshot ?? endpoint;
  const what = writable
    ? [
        `WRITABLE: every change goes to ${from}, past webhooks; controllers act on it once they run.`,
        `Snapshot from before: ${backup}`,
      ]
    : [`Read-only, on a copy of ${from} at revision ${revision}. What changes there from now on is not shown.`];
  return [
    `kube-apiserver ${version} on ${server}, for this machine alone.`,
    ...what,
    '',
    `  kubectl --kubeconfig ${shellLine([kubeconfig])} get nodes`,
    '',
    'Ctrl-C ends it and removes its files.',
  ].join('\n');
}
