import type { Change, PlanEntry } from '@kube-rescue/workflow';
import type { Colour } from './style.ts';

/** Describes one change on one line, without key material. */
export type DescribeChange = (change: Change) => string;

/** Of the word in front of an entry. */
export const WORD_WIDTH = 9;

/** The state of an entry in one word. */
export function wordOf({ skipped, finding }: PlanEntry): readonly [word: string, colour: Colour] {
  if (skipped) return ['skipped', 'dim'];
  if (finding.status === 'needed') return ['needed', 'yellow'];
  return (finding.waitsFor ?? []).length > 0 ? ['waits', 'dim'] : ['BLOCKED', 'red'];
}
