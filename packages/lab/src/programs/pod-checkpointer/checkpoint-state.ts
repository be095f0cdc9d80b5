/** The state of a checkpoint. Times are milliseconds since 1970. */
export type CheckpointState =
  | { readonly name: 'none' | 'inactive' | 'active' | 'self-checkpoint' | 'remove' }
  | { readonly name: 'inactive (grace period)' | 'active (grace period)'; readonly graceEnd: number };

/** The action of a pass for a checkpoint in a state. */
export type CheckpointAction = 'none' | 'start' | 'stop' | 'remove';

/** The parent of a checkpoint, as the three sources report it. */
export interface Observation {
  /** The API server answered with a list of pods. */
  readonly apiAvailable: boolean;
  /** The parent is in that list. */
  readonly apiParent: boolean;
  /** The container runtime has a READY sandbox or a running container of the parent; the container need not be ready. */
  readonly localRunning: boolean;
  /** The kubelet lists the parent. */
  readonly localParent: boolean;
}

export interface TransitionInput {
  readonly observation: Observation;
  readonly now: number;
  /** How long the parent may be missing while the API server answers. */
  readonly gracePeriodMs: number;
  /** Called for each state whose grace period has passed. */
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

/** The state after one observation. */
export function nextState(state: CheckpointState, input: TransitionInput): CheckpointState {
  const { observation, now, gracePeriodMs } = input;
  const graceEnd = now + gracePeriodMs;
  switch (state.name) {
    case 'none':
      // A parent that only the API server lists is not checkpointed yet.
      return observation.localRunning || observation.localParent ? nextState(INACTIVE, input) : NONE;
    case 'self-checkpoint':
      if (!observation.apiAvailable || observation.apiParent) return state;
      return checkActiveGrace({ name: 'active (grace period)', graceEnd }, input);
    case 'inactive':
      return byParent(observation) ?? checkInactiveGrace({ name: 'inactive (grace period)', graceEnd }, input);
    case 'inactive (grace period)':
      // Its grace period continues while the API server is down, as long as the parent runs here.
      if (!observation.apiAvailable && observation.localRunning) return checkInactiveGrace(state, input);
      return byParent(observation) ?? checkInactiveGrace(state, input);
    case 'active':
      return byParent(observation) ?? checkActiveGrace({ name: 'active (grace period)', graceEnd }, input);
    case 'active (grace period)':
      if (!observation.apiAvailable && !observation.localRunning) return checkActiveGrace(state, input);
      return byParent(observation) ?? checkActiveGrace(state, input);
    default:
      return state;
  }
}

/** The state by whether the parent runs here; `undefined` when the parent is known not to exist. */
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
