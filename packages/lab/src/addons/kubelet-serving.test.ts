import { expect, it } from 'vitest';
import { pendingRequests } from './kubelet-serving.ts';

it('requests without a condition are pending', () => {
  const listing = 'csr-1 system:node:cp1 Approved\ncsr-2 system:node:node1 \ncsr-3 system:node:cp1 Denied\n\n';
  expect(pendingRequests(listing)).toEqual(['csr-2']);
});
