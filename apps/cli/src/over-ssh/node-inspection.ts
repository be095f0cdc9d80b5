import type { MemberListing } from '@kube-rescue/diagnosis';
import type { HostPath } from '@kube-rescue/host';
import type { RunRow } from '../render/runs.ts';
import type { PlanAnswer } from '../playbook-run.ts';
import { CliError } from '../errors.ts';
import type { Envelope } from '../envelope.ts';
import type { RemoteNode } from './remote-node.ts';
import { parseEnvelope } from './remote-run.ts';

/** What the carried program finds on a node, before anything is changed. */
export interface NodeInspection {
  readonly node: RemoteNode;
  /** The members of its etcd; `undefined` where nothing lists any. */
  readonly listing: MemberListing | undefined;
  /** Its newest run; `undefined` without one. */
  readonly newestRun: RunRow | undefined;
  /** What `recover` would do there. */
  readonly plan: PlanAnswer;
}

/** On a dead node several servers do not answer, one after the other. */
const TIMEOUT_MS = 180_000;

/** Runs read-only commands of the carried program, one after the other. @throws CliError `NODE_COMMAND_FAILED`; HostError */
export async function inspectNode(
  node: RemoteNode,
  program: HostPath,
  { nodeFlags, recoverFlags }: { readonly nodeFlags: readonly string[]; readonly recoverFlags: readonly string[] },
): Promise<NodeInspection> {
  const members = await runOnNode(node, program, ['etcd', 'members', ...nodeFlags]);
  const runs = await listNodeRuns(node, program, nodeFlags);
  const planned = await runOnNode(node, program, ['recover', '--dry-run', ...recoverFlags, ...nodeFlags]);
  const listing = members.ok ? (members.result as MemberListing) : undefined;
  return { node, listing, newestRun: runs.at(-1), plan: resultOf(planned) as PlanAnswer };
}

/** The runs of a node, oldest first. @throws CliError `NODE_COMMAND_FAILED`; HostError */
export async function listNodeRuns(
  node: RemoteNode,
  program: HostPath,
  nodeFlags: readonly string[],
): Promise<readonly RunRow[]> {
  const answer = resultOf(await runOnNode(node, program, ['runs', ...nodeFlags]));
  return (answer as { readonly runs: readonly RunRow[] }).runs;
}

/** Runs a command of the carried program and waits for its end. @throws CliError `NODE_COMMAND_FAILED`; HostError */
export async function runOnNode(node: RemoteNode, program: HostPath, args: readonly string[]): Promise<Envelope> {
  const { exitCode, stdout, stderr } = await node.host.exec([program, ...args, '--json'], { timeoutMs: TIMEOUT_MS });
  const envelope = parseEnvelope(stdout);
  if (envelope !== undefined) return envelope;
  throw new CliError({
    code: 'NODE_COMMAND_FAILED',
    message: `${args[0] ?? ''} ended with ${exitCode} and no answer: ${stderr.trim().split('\n').at(-1) ?? ''}`,
    subject: node.name,
    hint: 'run `kube-rescue triage` on that node',
  });
}

function resultOf(envelope: Envelope): object {
  if (envelope.ok) return envelope.result;
  const { code, message, hint, subject } = envelope.error;
  throw new CliError({
    code: 'NODE_COMMAND_FAILED',
    message: `${message ?? ''} (${code ?? ''})`,
    subject: subject ?? undefined,
    hint: hint ?? undefined,
  });
}
