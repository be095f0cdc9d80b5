import { describe, expect, it } from 'vitest';
import { parseRunningTasks } from './containerd.ts';

describe('the containers of a node', () => {
  it('run if containerd reports their task as running', () => {
    const table = `TASK    PID      STATUS
aaa     100      RUNNING
bbb     0        STOPPED
`;
    expect(parseRunningTasks(table)).toEqual(['aaa']);
  });
});
