import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore } from './fake-object-store.ts';
import { objectStoreContract } from './object-store-contract.ts';

objectStoreContract('the store in memory', async () => {
  const store = createFakeObjectStore();
  for (const name of ['default', 'contract']) store.plant(RESOURCE_KINDS.Namespace, { metadata: { name } });
  return { store, namespace: 'contract', dispose: async () => undefined };
});
