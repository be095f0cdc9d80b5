import type { Host, HostPath } from '@kube-rescue/host';
import type { Plan, RunOrigin } from '@kube-rescue/workflow';
import { createHash } from 'node:crypto';
import { CliError } from './errors.ts';

/** Readable by its owner alone: a plan names every file of a control plane. */
const PLAN_MODE = 0o600;
const VERSION = 2;

/** A plan with the command line that it was made with. */
export interface PlanFile {
  readonly plan: Plan;
  readonly origin: RunOrigin;
}

/**
 * Writes a plan as JSON, with a digest of everything in it, to a new file.
 * @throws CliError `FILE_EXISTS`; HostError
 */
export async function writePlan(
  { plan, origin }: PlanFile,
  path: HostPath,
  host: Pick<Host, 'writeFile' | 'stat'>,
): Promise<void> {
  if ((await host.stat(path)) !== undefined) {
    throw new CliError({
      code: 'FILE_EXISTS',
      message: 'there is a file of this name already; nothing was written',
      subject: path,
      hint: 'give another name, or remove the file',
    });
  }
  const content = { ...plan, version: VERSION, origin };
  const text = JSON.stringify({ ...content, digest: digestOf(content) }, null, 2);
  await host.writeFile(path, new TextEncoder().encode(`${text}\n`), { mode: PLAN_MODE });
}

/**
 * Reads a plan that {@link writePlan} wrote.
 * @throws CliError `PLAN_FILE_INVALID` also for a file that was edited or is incomplete, and for another version; HostError
 */
export async function readPlan(path: HostPath, host: Pick<Host, 'readFile'>): Promise<PlanFile> {
  const data = await host.readFile(path);
  if (data === undefined) throw invalid('plan not found', path);
  const value = parse(new TextDecoder().decode(data));
  if (value === undefined) throw invalid('not a plan: the file is incomplete, or was edited', path);
  const { digest, ...content } = value;
  if (content['version'] === 1) {
    throw invalid('a plan of version 1 does not say with which flags it was made', path);
  }
  if (content['version'] !== VERSION) {
    throw invalid(`not a plan of version ${VERSION}, the only one that this version reads`, path);
  }
  if (digest !== digestOf(content)) throw invalid('the plan was edited, or a part of it is missing', path);
  const { origin, ...plan } = content;
  if (!isPlan(plan) || !isOrigin(origin)) throw invalid('not a plan', path);
  return { plan: { ...plan, version: 1 }, origin };
}

/** The order of the fields is part of it; white space is not. */
function digestOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPlan(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, unknown>> & Plan {
  const { playbook, createdAt, entries } = value;
  return (
    typeof playbook === 'string' &&
    typeof createdAt === 'string' &&
    Array.isArray(entries) &&
    entries.every((entry) => isFields(entry) && 'step' in entry && Array.isArray(entry['changes']))
  );
}

function isOrigin(value: unknown): value is RunOrigin {
  return isFields(value) && isFields(value['flags']) && Array.isArray(value['inputs']);
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string, subject: string): CliError {
  return new CliError({
    code: 'PLAN_FILE_INVALID',
    message,
    subject,
    hint: 'create one with: `kube-rescue plan --out FILE`',
  });
}
