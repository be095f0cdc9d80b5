import { CA_DEFINITIONS, type ExportedCa, readReissuedCas, reissuedCaFile } from '@kube-rescue/cert-rotation';
import { formatTime, isRecoveryError } from '@kube-rescue/errors';
import { hostPath, type HostPath, joinPath, parentPath } from '@kube-rescue/host';
import { encodePem } from '@kube-rescue/x509';
import type { LocalFiles } from '../local-files.ts';
import type { Session } from '../wiring.ts';
import { fingerprintOf, type NodeFacts } from './node-facts.ts';
import { runOnNode } from './node-inspection.ts';
import { carriedPath, onEach, type RemoteNode, STATE_DIRECTORY } from './remote-node.ts';

/** The text of CA certificates for every node, by kubeadm's names below its `pki`. They are public. */
export type SharedCas = Readonly<Record<string, string>>;

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;
const TIMEOUT_MS = 60_000;
/** $0 the directory; the one above goes when it is empty. */
const REMOVE = 'rm -rf -- "$0"; rmdir -- "${0%/*}" 2>/dev/null || :';
const DEFAULT_NOTICE_DAYS = 30;
const MS_PER_DAY = 86_400_000;

/**
 * Reads the CA certificates that the operator hands in with `--cas`. Whether they are right for the nodes, each node judges.
 * @throws PkiError `PKI_SET_UNFIT` where the directory holds none
 */
export async function readSharedCas(directory: HostPath, { host }: Pick<LocalFiles, 'host'>): Promise<SharedCas> {
  const { cas } = await readReissuedCas(directory, host);
  return Object.fromEntries(
    [...cas].map(([id, { certificate }]) => [nameOf(id), encodePem('CERTIFICATE', certificate.der)]),
  );
}

/**
 * Issues expired CAs again, once, on the first node that can; nothing is installed there. Empty where no CA has expired or expires soon,
 * and where no node can: then the plan of each node says why.
 * @param withinDays a CA expires soon; default: 30
 * @throws CliError `NODE_COMMAND_FAILED`; HostError
 */
export async function issueSharedCas(
  {
    nodes,
    facts,
    id,
    programOf,
    nodeFlags,
    withinDays,
  }: {
    readonly nodes: readonly RemoteNode[];
    readonly facts: readonly NodeFacts[];
    /** Of the carried programs. */
    readonly id: string;
    readonly programOf: (name: string) => HostPath;
    readonly nodeFlags: readonly string[];
    readonly withinDays: number | undefined;
  },
  { clock, reporter }: Pick<Session, 'clock' | 'reporter'>,
): Promise<SharedCas> {
  const soon = clock.now().getTime() + (withinDays ?? DEFAULT_NOTICE_DAYS) * MS_PER_DAY;
  // The clock of a node decides; it may differ from this one by less than a day, or was refused.
  if (facts.every(({ casEndMs }) => casEndMs === undefined || casEndMs > soon + MS_PER_DAY)) return {};
  const directory = carriedPath(id, 'cas');
  const within = withinDays === undefined ? [] : ['--renew-within', String(withinDays)];
  for (const node of nodes) {
    const args = ['certs', 'reissue-cas', '--out', directory, ...within, ...nodeFlags];
    const answer = await runOnNode(node, programOf(node.name), args);
    if (!answer.ok) continue;
    const { cas } = answer.result as { readonly cas: readonly ExportedCa[] };
    for (const { id: ca, notAfter } of cas)
      reporter.print(
        `${node.name} issued the ${titleOf(ca)}, for all nodes, valid to ${formatTime(new Date(notAfter))}`,
      );
    const texts = await Promise.all(
      cas.map(async ({ id: ca, path }) => [nameOf(ca), new TextDecoder().decode(await node.host.readFile(path))]),
    );
    return Object.fromEntries(texts) as SharedCas;
  }
  return {};
}

/** The directory with the CA certificates of a recovery on every node; it outlives the carried program, for `recover --resume` there. */
function sharedCasPath(id: string): HostPath {
  return joinPath(STATE_DIRECTORY, 'cas', id);
}

/** CA certificates on the nodes of a recovery. */
export interface CarriedCas {
  readonly nodes: readonly RemoteNode[];
  readonly cas: SharedCas;
  /** Of the recovery. */
  readonly id: string;
  /** A run of a node may need them still. */
  isNeeded: boolean;
}

/**
 * Writes the CA certificates to every node for the duration of an action, and leaves them there while a run needs them.
 * @param action gets the flags of `recover` there
 * @throws CliError `NODES_UNFIT`
 */
export async function withSharedCas<T>(
  shared: CarriedCas,
  session: Pick<Session, 'reporter'>,
  action: (recoverFlags: readonly string[]) => Promise<T>,
): Promise<T> {
  const { nodes, cas, id } = shared;
  if (Object.keys(cas).length === 0) return action([]);
  try {
    await onEach(nodes, (node) => carryCas(node, cas, id), 'make space there, then run again');
    return await action(['--cas', sharedCasPath(id)]);
  } finally {
    if (!shared.isNeeded) await Promise.all(nodes.map((node) => removeCas(node, id, session)));
  }
}

async function carryCas({ host }: RemoteNode, cas: SharedCas, id: string): Promise<void> {
  for (const [name, text] of Object.entries(cas)) {
    const path = joinPath(sharedCasPath(id), ...name.split('/'));
    await host.makeDirectory(parentPath(path), { mode: DIRECTORY_MODE });
    await host.writeFile(path, new TextEncoder().encode(text), { mode: FILE_MODE, isOwn: true });
  }
}

/** Removes what a recovery has left. */
export async function removeCas(
  { name, host }: RemoteNode,
  id: string,
  { reporter }: Pick<Session, 'reporter'>,
): Promise<void> {
  const directory = sharedCasPath(id);
  try {
    await host.exec(['sh', '-c', REMOVE, directory], { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    reporter.warn(`${name}: CA certificates, which are public, are still in ${directory}: ${error.message}`);
  }
}

/** As `NodeFacts.cas`. */
export function fingerprintsOf(cas: SharedCas): NodeFacts['cas'] {
  return Object.fromEntries(
    Object.entries(cas).flatMap(([name, text]) => {
      const fingerprint = fingerprintOf(new TextEncoder().encode(text), name);
      return fingerprint === undefined ? [] : [[name, fingerprint]];
    }),
  );
}

function nameOf(id: ExportedCa['id']): string {
  return reissuedCaFile(id, hostPath('/')).slice(1);
}

function titleOf(id: ExportedCa['id']): string {
  return CA_DEFINITIONS.find((ca) => ca.id === id)?.name ?? id;
}
