import type { Host, HostPath } from '@kube-rescue/host';
import type { Plan } from '@kube-rescue/workflow';
import { CliError } from './errors.ts';

/** Readable by its owner alone: a plan names every file of a control plane. */
const PLAN_MODE = 0o600;

/** Writes a plan as JSON. */
export async function writePlan(plan: Plan, path: HostPath, host: Pick<Host, 'writeFile'>): Promise<void> {
  await host.writeFile(path, new TextEncoder().encode(`${JSON.stringify(plan, null, 2)}\n`), { mode: PLAN_MODE });
}

/**
 * Reads a plan that {@link writePlan} wrote.
 * @throws CliError `PLAN_FILE_INVALID`; HostError
 */
export async function readPlan(path: HostPath, host: Pick<Host, 'readFile'>): Promise<Plan> {
  const data = await host.readFile(path);
  if (data === undefined) throw invalid('plan not found', path);
  const value = parse(new TextDecoder().decode(data));
  if (!isPlan(value)) throw invalid('not a plan of version 1', path);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPlan(value: unknown): value is Plan {
  if (typeof value !== 'object' || value === null) return false;
  const { version, playbook, createdAt, entries } = value as Partial<Record<keyof Plan, unknown>>;
  return (
    version === 1 &&
    typeof playbook === 'string' &&
    typeof createdAt === 'string' &&
    Array.isArray(entries) &&
    entries.every(isEntry)
  );
}

function isEntry(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'step' in value && 'changes' in value && Array.isArray(value.changes)
  );
}

function invalid(message: string, subject: string): CliError {
  return new CliError({
    code: 'PLAN_FILE_INVALID',
    message,
    subject,
    hint: 'create one with: kube-rescue plan --output FILE',
  });
}
