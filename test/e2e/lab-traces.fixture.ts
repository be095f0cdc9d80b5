import { createLocalHost } from '@kube-rescue/host';
import { listLabTraces, type LabTrace } from '@kube-rescue/lab';
import { expect } from 'vitest';

/** The labs that a program's progress names, as `lab 0a1b2c: making ...`. */
export function labsNamedIn(progress: string): readonly string[] {
  return [...new Set([...progress.matchAll(/\blab ([0-9a-f]{6}): /g)].map(([, id]) => String(id)))];
}

/** What is on the machine of these labs; those of others are their owners' business. */
export async function findTraces(labs: readonly string[]): Promise<readonly LabTrace[]> {
  const found = await listLabTraces({ host: createLocalHost() });
  return found.filter(({ labId }) => labs.includes(labId));
}

/** A program that says of no lab that it made one proves nothing about leaving none behind. */
export async function expectNoTraces(labs: readonly string[]): Promise<void> {
  expect(labs).not.toEqual([]);
  expect(await findTraces(labs)).toEqual([]);
}
