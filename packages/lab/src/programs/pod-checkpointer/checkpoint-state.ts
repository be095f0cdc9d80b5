/** What a checkpoint is at the moment. Times are milliseconds since 1970. */
export type CheckpointState =
  | { readonly name: 'none' | 'inactive' | 'active' | 'self-checkpoint' | 'remove' }
  | { readonly name: 'inactive (grace period)' | 'active (grace period)'; readonly graceEnd: number };

/** What a pass does about a checkpoint in that state. */
export type CheckpointAction = 'none' | 'start' | 'stop' | 'remove';

/** What the three sources say about the parent of a checkpoint. */
export interface Observation {
  /** The API server gave a list of pods. */
  readonly apiAvailable: boolean;
  /** The parent is in that list. */
  readonly apiParent: boolean;
  /** The container runtime has a READY sandbox or a running container of the parent; it need not work. */
  readonly localRunning: boolean;
  /** The kubelet knows the parent. */
  readonly localParent: boolean;
}

export interface TransitionInput {
  readonly sight: Observation;
  readonly now: number;
  /** How long the parent may be missing while the API server answers. */
  readonly gracePeriodMs: number;
  /** Told of each state whose grace has passed. */
  readonly onGraceExceeded?: ((state: CheckpointState) => void) | undefined;
}

const NONE: CheckpointState = { name: 'none' };
const INACTIVE: CheckpointState = { name: 'inactive' };
const ACTIVE: CheckpointState = { name: 'active' };

export function actionOf({ name }: CheckpointState): CheckpointAction {
  switch (name) {
    case 'none':
      return 'none';
    case 'remove':
      return 'remove';
    case 'inactive':
    case 'inactive (grace period)':
      return 'stop';
    default:
      return 'start';
  }
}

/** The state after one look at the sources. */
export function nextState(state: CheckpointState, input: TransitionInput): CheckpointState {
  const { sight, now, gracePeriodMs } = input;
  const graceEnd = now + gracePeriodMs;
  switch (state.name) {
    case 'none':
      // What only the API server knows of is not checkpointed yet.
      return sight.localRunning || sight.localParent ? nextState(INACTIVE, input) : NONE;
    case 'self-checkpoint':
      if (!sight.apiAvailable || sight.apiParent) return state;
      return checkActiveGrace({ name: 'active (grace period)', graceEnd }, input);
    case 'inactive':
      return byParent(sight) ?? checkInactiveGrace({ name: 'inactive (grace period)', graceEnd }, input);
    case 'inactive (grace period)':
      // Its clock runs on while the API server is away, as long as the parent runs here.
      if (!sight.apiAvailable && sight.localRunning) return checkInactiveGrace(state, input);
      return byParent(sight) ?? checkInactiveGrace(state, input);
    case 'active':
      return byParent(sight) ?? checkActiveGrace({ name: 'active (grace period)', graceEnd }, input);
    case 'active (grace period)':
      if (!sight.apiAvailable && !sight.localRunning) return checkActiveGrace(state, input);
      return byParent(sight) ?? checkActiveGrace(state, input);
    default:
      return state;
  }
}

/** A parent that exists, or may exist, decides by running here or not; `undefined` when it is known to be gone. */
function byParent({ apiAvailable, apiParent, localRunning }: Observation): CheckpointState | undefined {
  if (apiAvailable && !apiParent) return undefined;
  return localRunning ? INACTIVE : ACTIVE;
}

type Grace = Extract<CheckpointState, { graceEnd: number }>;

function checkInactiveGrace(state: Grace, { now, onGraceExceeded }: TransitionInput): CheckpointState {
  if (now < state.graceEnd) return state;
  onGraceExceeded?.(state);
  return { name: 'remove' };
}

function checkActiveGrace(state: Grace, input: TransitionInput): CheckpointState {
  if (input.now < state.graceEnd) return state;
  input.onGraceExceeded?.(state);
  return nextState({ name: 'inactive (grace period)', graceEnd: input.now }, input);
}
