import { expect, it } from 'vitest';
import { renderLoadBalancer } from './load-balancer.ts';

it('the load balancer asks each API server whether it is ready', () => {
  const config = renderLoadBalancer([
    { name: 'cp1', address: '10.200.0.11' },
    { name: 'cp2', address: '10.200.0.12' },
  ]);
  expect(config).toContain('option httpchk GET /readyz\n');
  expect(config).toMatch(/server cp1 10\.200\.0\.11:6443\n {2}server cp2 10\.200\.0\.12:6443\n$/);
});
