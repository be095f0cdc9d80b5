import { createLocalHost } from '@kube-rescue/host';
import { listLabTraces, type LabTrace } from '@kube-rescue/lab';
import { expect } from 'vitest';

/** The labs that a program's progress names, as `lab 0a1b2c: making ...`. */
export function labsNamedIn(progress: string): readonly string[] {
  return [...new Set([...progress.matchAll(/\blab ([0-9a-f]{6}): /g)].map(([, id]) => String(id)))];
}

/** The traces of these labs on the machine. */
export async function findTraces(labs: readonly string[]): Promise<readonly LabTrace[]> {
  const found = await listLabTraces({ host: createLocalHost() });
  return found.filter(({ labId }) => labs.includes(labId));
}

/** Expects at least one lab, and no traces of it: without a lab the check would prove nothing. */
export async function expectNoTraces(labs: readonly string[]): Promise<void> {
  expect(labs).not.toEqual([]);
  expect(await findTraces(labs)).toEqual([]);
}
