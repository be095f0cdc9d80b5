import { CONFINEMENT_MUTANTS } from './confinement.ts';
import { JOURNAL_MUTANTS } from './journal.ts';
import type { Mutant } from './mutant.ts';
import { HOSTILE_ANSWER_MUTANTS } from './hostile-answers.ts';
import { ODD_OBJECT_MUTANTS } from './odd-objects.ts';
import { SIGNING_MUTANTS } from './signing.ts';
import { TRUST_MUTANTS } from './trust.ts';
import { UNIT_ROLLBACK_MUTANTS } from './unit-rollback.ts';
import { WORKFLOW_MUTANTS } from './workflow.ts';

/** Bugs that the tests must detect. */
export const MUTANTS: readonly Mutant[] = [
  ...WORKFLOW_MUTANTS,
  ...JOURNAL_MUTANTS,
  ...ODD_OBJECT_MUTANTS,
  ...HOSTILE_ANSWER_MUTANTS,
  ...UNIT_ROLLBACK_MUTANTS,
  ...TRUST_MUTANTS,
  ...CONFINEMENT_MUTANTS,
  ...SIGNING_MUTANTS,
];
