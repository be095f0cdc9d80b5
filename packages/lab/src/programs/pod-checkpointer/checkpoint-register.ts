import { actionOf, type CheckpointState, nextState, type Observation } from './checkpoint-state.ts';
import type { Log } from './glog.ts';
import type { Pod } from './pod.ts';

/** The inputs of one pass. */
export interface Sources {
  /** Ids of pods with a READY sandbox or a running container. */
  readonly localRunning: ReadonlySet<string>;
  readonly localParents: ReadonlyMap<string, Pod>;
  /** `undefined` when the API server did not answer. */
  readonly apiParents: ReadonlyMap<string, Pod> | undefined;
  readonly activeOnDisk: ReadonlyMap<string, Pod>;
  readonly inactiveOnDisk: ReadonlyMap<string, Pod>;
}

/** The actions of a pass, by id, in this order. */
export interface Decision {
  readonly stops: readonly string[];
  readonly starts: readonly string[];
  readonly removes: readonly string[];
}

interface Checkpoint {
  pod: Pod;
  state: CheckpointState;
}

export interface RegisterInput {
  /** The id of the checkpointer's own parent pod. */
  readonly selfId: string;
  readonly gracePeriodMs: number;
  readonly log: Log;
}

/** The state that the checkpointer keeps between passes. */
export class CheckpointRegister {
  readonly #checkpoints = new Map<string, Checkpoint>();
  readonly #input: RegisterInput;

  constructor(input: RegisterInput) {
    this.#input = input;
  }

  /** Adds the checkpoints on disk (after a crash they may be all that is known), then the parents. */
  update({ activeOnDisk, inactiveOnDisk, localParents, apiParents }: Sources): void {
    for (const [id, pod] of activeOnDisk) this.#add(id, pod, { name: 'active' });
    for (const [id, pod] of inactiveOnDisk) this.#add(id, pod, { name: 'inactive' });
    for (const [id, pod] of [...localParents, ...(apiParents ?? [])]) this.#add(id, pod, { name: 'none' }).pod = pod;
  }

  #add(id: string, pod: Pod, state: CheckpointState): Checkpoint {
    const known = this.#checkpoints.get(id);
    if (known !== undefined) return known;
    const added: Checkpoint = { pod, state: id === this.#input.selfId ? { name: 'self-checkpoint' } : state };
    this.#checkpoints.set(id, added);
    return added;
  }

  /** The pods to checkpoint: all but those that only the API server knows; the checkpointer's own pod last. */
  pods(sources: Sources): readonly Pod[] {
    const others = this.#others().filter(
      ([id, { state }]) => state.name !== 'none' || sources.localParents.has(id) || sources.localRunning.has(id),
    );
    const self = this.#checkpoints.get(this.#input.selfId);
    return [...others.map(([, { pod }]) => pod), ...(self === undefined ? [] : [self.pod])];
  }

  /** Moves every checkpoint to its next state. */
  decide(sources: Sources, now: number): Decision {
    const self = this.#checkpoints.get(this.#input.selfId);
    const starts: string[] = [];
    if (self !== undefined) {
      const decision = this.#decideSelf(self, sources, now);
      if (decision !== undefined) return decision;
      starts.push(this.#input.selfId);
    }
    const stops: string[] = [];
    const removes: string[] = [];
    for (const [id, checkpoint] of this.#others()) {
      const state = this.#next(id, checkpoint, sources, now);
      const action = actionOf(state);
      const changed = action !== actionOf(checkpoint.state);
      this.#move(id, checkpoint, state);
      if (!changed) continue;
      if (action === 'start') starts.push(id);
      if (action === 'stop') stops.push(id);
      if (action === 'remove') {
        removes.push(id);
        this.#checkpoints.delete(id);
      }
    }
    return { stops, starts, removes };
  }

  /** When the checkpointer must stop or be removed, so must all others first, regardless of their state. */
  #decideSelf(self: Checkpoint, sources: Sources, now: number): Decision | undefined {
    const { selfId, log } = this.#input;
    const state = this.#next(selfId, self, sources, now);
    if (!isSame(self.state, state)) {
      const from = `${selfId} (${self.state.name})`;
      log(
        'I',
        'process.go:129',
        `Self-checkpoint ${from} transitioning from state ${self.state.name} -> state ${state.name}`,
      );
      self.state = state;
    }
    const action = actionOf(state);
    if (action === 'start') return undefined;
    const ids = [
      ...this.#others()
        .filter(([, { state: each }]) => each.name !== 'none')
        .map(([id]) => id),
      selfId,
    ];
    if (action === 'stop') return { starts: [], stops: ids, removes: [] };
    for (const id of ids) this.#checkpoints.delete(id);
    return { starts: [], stops: [], removes: ids };
  }

  #next(id: string, { state }: Checkpoint, sources: Sources, now: number): CheckpointState {
    const { gracePeriodMs, log } = this.#input;
    return nextState(state, {
      observation: observe(id, sources),
      now,
      gracePeriodMs,
      onGraceExceeded: ({ name }) => {
        const source = name === 'active (grace period)' ? 'state.go:306' : 'state.go:207';
        log('I', source, `Grace period exceeded for state ${name}`);
      },
    });
  }

  #move(id: string, checkpoint: Checkpoint, state: CheckpointState): void {
    const { name } = checkpoint.state;
    if (isSame(checkpoint.state, state)) return;
    const text = `Checkpoint ${id} (${name}) transitioning from state ${name} -> state ${state.name}`;
    this.#input.log('I', 'process.go:197', text);
    checkpoint.state = state;
  }

  #others(): readonly (readonly [string, Checkpoint])[] {
    const others = [...this.#checkpoints].filter(([id]) => id !== this.#input.selfId);
    return others.toSorted(([left], [right]) => (left < right ? -1 : 1));
  }
}

function observe(id: string, { localRunning, localParents, apiParents }: Sources): Observation {
  return {
    apiAvailable: apiParents !== undefined,
    apiParent: apiParents?.has(id) ?? false,
    localRunning: localRunning.has(id),
    localParent: localParents.has(id),
  };
}

function isSame(left: CheckpointState, right: CheckpointState): boolean {
  if (left.name !== right.name) return false;
  return ('graceEnd' in left ? left.graceEnd : 0) === ('graceEnd' in right ? right.graceEnd : 0);
}
