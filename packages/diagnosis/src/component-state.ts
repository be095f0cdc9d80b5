/** The present state of one component of the node. */
export interface ComponentState {
  readonly name: string;
  readonly state: 'running' | 'stopped' | 'unknown';
  /** `undefined` when its health is unknown. */
  readonly healthy: boolean | undefined;
  readonly detail: string;
}
