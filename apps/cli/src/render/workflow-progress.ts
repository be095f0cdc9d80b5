import type { WorkflowEvent, WorkflowListener } from '@kube-rescue/workflow';
import { MOST_SHOWN } from './plan.ts';
import type { Progress } from './progress.ts';

/** What is shown of a run, and who is told its directory. */
export interface Following {
  /** Also each change, and each step that needs nothing. Default: true. */
  readonly verbose?: boolean | undefined;
  readonly onRun?: ((journalPath: string) => void) | undefined;
}

/** Shows a run's events; calls `onRun` with the directory of its journal. */
export function followRun(progress: Progress, { verbose = true, onRun }: Following = {}): WorkflowListener {
  const titles = new Map<string, string>();
  const changes = new Map<string, number>();
  const titleOf = (step: string): string => titles.get(step) ?? step;
  return (event) => {
    if ('title' in event && 'step' in event) titles.set(event.step, event.title);
    if (event.type === 'run-started') onRun?.(event.path);
    if (!verbose && (event.type === 'change-made' || event.type === 'step-checked')) return;
    const made = 'step' in event ? (changes.get(event.step) ?? 0) : 0;
    if (event.type === 'step-started') changes.delete(event.step);
    if (event.type === 'step-finished' && made > MOST_SHOWN) {
      progress.note(`        and ${made - MOST_SHOWN} more of these`);
    }
    if (event.type === 'change-made') changes.set(event.step, made + 1);
    if (event.type !== 'change-made' || made < MOST_SHOWN) show(event, progress, titleOf);
  };
}

function show(event: WorkflowEvent, progress: Progress, titleOf: (step: string) => string): void {
  switch (event.type) {
    case 'run-started':
      return progress.note(`run ${event.runId}, journal in ${event.path}`);
    case 'phase-started':
      return progress.note(`== ${event.title}`);
    case 'step-checked':
      if (event.finding.status === 'ok') progress.note(`ok      ${event.title}`);
      return;
    case 'step-started':
      return progress.begin(event.title, event.step);
    case 'step-waiting':
      return progress.waitFor(event.reason, event.step);
    case 'change-made':
      return progress.note(`        ${event.text}`);
    case 'step-finished':
      return event.verified
        ? progress.end('done', titleOf(event.step), event.step)
        : progress.end('failed', `${titleOf(event.step)}: ${event.evidence.join('; ')}`, event.step);
    case 'undo-started':
      return progress.begin(event.text);
    case 'undo':
      progress.stop();
      return progress.note(`${UNDO_WORDS[event.state]}${event.text}`);
  }
}

const UNDO_WORDS = {
  undone: 'undone  ',
  already: 'already ',
  foreign: 'LEFT    ',
  failed: 'FAILED  ',
} as const;
