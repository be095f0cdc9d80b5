import type { Change } from '../plan/change.ts';
import type { Finding, StepId } from '../plan/step.ts';

/** Progress events of a run. */
export type WorkflowEvent =
  | { readonly type: 'run-started'; readonly runId: string; readonly path: string }
  | { readonly type: 'phase-started'; readonly phase: string; readonly title: string }
  /** Not sent for a step that is `ok` and verified again: that step starts at once. */
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
  /** Sent before an undo that may take a while: a service restart, for example. */
  | { readonly type: 'undo-started'; readonly change: Change; readonly text: string }
  | {
      readonly type: 'undo';
      readonly change: Change;
      readonly text: string;
      readonly state: 'undone' | 'already' | 'foreign' | 'failed';
    };

export type WorkflowListener = (event: WorkflowEvent) => void;
