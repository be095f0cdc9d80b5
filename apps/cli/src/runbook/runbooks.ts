import { baseName, createLocalHost, hostPath, joinPath } from '@kube-rescue/host';
import { getAsset, isSea } from 'node:sea';
import { CliError } from '../errors.ts';

/** A runbook as the repository keeps it. */
export interface Runbook {
  /** The name of its file, without `.md`. */
  readonly name: string;
  readonly title: string;
  /** Markdown. */
  readonly text: string;
}

/** In the order in which help lists them: the whole cluster first. */
export const RUNBOOKS = [
  'everything-has-expired-kubeadm',
  'several-control-planes',
  'everything-has-expired-self-hosted',
  'a-ca-has-expired',
  'rotate-a-ca',
  'rotate-the-service-account-key',
  'the-kubelet-does-not-start',
  'etcd-does-not-answer',
  'restore-etcd',
] as const;

/**
 * Reads a runbook: out of the single executable, or of the installed package. Asks no network.
 *
 * @param root the directory of the installed package
 */
export async function readRunbook(name: (typeof RUNBOOKS)[number], root: string): Promise<Runbook> {
  const text = isSea() ? getAsset(`${name}.md`, 'utf8') : await readInstalled(`${name}.md`, root);
  return { name, title: /^# (.+)$/m.exec(text)?.[1] ?? name, text };
}

async function readInstalled(file: string, root: string): Promise<string> {
  const path = joinPath(hostPath(root), 'dist/runbooks', file);
  const content = await createLocalHost().readFile(path);
  if (content !== undefined) return Buffer.from(content).toString();
  throw new CliError({
    code: 'RUNBOOK_MISSING',
    message: `this installation lacks the runbook ${baseName(path)}`,
    subject: path,
    hint: 'install kube-rescue again',
  });
}
