import type { ChangeKind } from '@kube-rescue/workflow';
import { createCreateKind } from './create-kind.ts';
import { createDeleteKind } from './delete-kind.ts';
import type { OpenObjects } from './object-targets.ts';
import { createReplaceKind } from './replace-kind.ts';

/** The kinds of change that objects of a cluster go through: `object.create`, `object.replace`, `object.delete`. */
export function createObjectChangeKinds(open: OpenObjects): readonly ChangeKind[] {
  return [createCreateKind(open), createReplaceKind(open), createDeleteKind(open)] as readonly ChangeKind[];
}
