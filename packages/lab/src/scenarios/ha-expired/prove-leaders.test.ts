import { expect, it } from 'vitest';
import { parseMasterStatus } from './prove-leaders.ts';

it('a component says in its metrics whether it leads', () => {
  const metrics = (value: number): string =>
    `# TYPE leader_election_master_status gauge\nleader_election_master_status{name="kube-scheduler"} ${value}\nnext 1\n`;
  expect(parseMasterStatus(metrics(1), 'kube-scheduler')).toBe(true);
  expect(parseMasterStatus(metrics(0), 'kube-scheduler')).toBe(false);
  expect(parseMasterStatus(metrics(1), 'kube-controller-manager')).toBeUndefined();
});
