/** One part of the node, as it is now. */
export interface ComponentState {
  readonly name: string;
  readonly state: 'running' | 'stopped' | 'unknown';
  /** `undefined` when it cannot be asked. */
  readonly healthy: boolean | undefined;
  readonly detail: string;
}
