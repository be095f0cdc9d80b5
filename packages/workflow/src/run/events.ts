import type { Change } from '../plan/change.ts';
import type { Finding, StepId } from '../plan/step.ts';

/** What a run tells while it goes on, for a progress display. */
export type WorkflowEvent =
  | { readonly type: 'run-started'; readonly runId: string; readonly path: string }
  | { readonly type: 'phase-started'; readonly phase: string; readonly title: string }
  /** Not told of a step that is fine and is looked at once more all the same: it is started. */
  | { readonly type: 'step-checked'; readonly step: StepId; readonly title: string; readonly finding: Finding }
  | { readonly type: 'step-started'; readonly step: StepId; readonly title: string }
  | { readonly type: 'step-waiting'; readonly step: StepId; readonly reason: string }
  | { readonly type: 'change-made'; readonly step: StepId; readonly change: Change; readonly text: string }
  | {
      readonly type: 'step-finished';
      readonly step: StepId;
      readonly verified: boolean;
      readonly evidence: readonly string[];
    }
  /** Something that takes a while: what is told to read its files again, or is waited for. */
  | { readonly type: 'undo-started'; readonly change: Change; readonly text: string }
  | {
      readonly type: 'undo';
      readonly change: Change;
      readonly text: string;
      readonly state: 'undone' | 'already' | 'foreign' | 'failed';
    };

export type WorkflowListener = (event: WorkflowEvent) => void;
