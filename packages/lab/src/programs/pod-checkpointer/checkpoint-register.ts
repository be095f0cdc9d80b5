import { actionOf, type CheckpointState, nextState, type Observation } from './checkpoint-state.ts';
import type { Log } from './glog.ts';
import type { Pod } from './pod.ts';

/** What one pass sees. */
export interface Sources {
  /** Ids of pods with a READY sandbox or a running container. */
  readonly localRunning: ReadonlySet<string>;
  readonly localParents: ReadonlyMap<string, Pod>;
  /** `undefined` when the API server gave no list. */
  readonly apiParents: ReadonlyMap<string, Pod> | undefined;
  readonly activeOnDisk: ReadonlyMap<string, Pod>;
  readonly inactiveOnDisk: ReadonlyMap<string, Pod>;
}

/** What a pass must do, by ids, in this order. */
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

/** What the checkpointer holds in memory between two passes. */
export class CheckpointRegister {
  readonly #checkpoints = new Map<string, Checkpoint>();
  readonly #input: RegisterInput;

  constructor(input: RegisterInput) {
    this.#input = input;
  }

  /** Takes in what was found: what lies on disk first (after a crash nothing else may be known), then the parents. */
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

  /** What is to be on disk: everything but what only the API server knows of; the checkpointer's own pod last. */
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
      const sentence = this.#decideSelf(self, sources, now);
      if (sentence !== undefined) return sentence;
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

  /** The checkpointer goes last: when it must stop or be removed, so must all others, whatever their own state. */
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
      sight: sightOf(id, sources),
      now,
      gracePeriodMs,
      onGraceExceeded: ({ name }) => {
        const place = name === 'active (grace period)' ? 'state.go:306' : 'state.go:207';
        log('I', place, `Grace period exceeded for state ${name}`);
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

function sightOf(id: string, { localRunning, localParents, apiParents }: Sources): Observation {
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
