import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { CONTROLLER_MANAGER, createWorld } from '../rescue/control-plane.fixture.ts';
import { toPod } from '../pods/pod.ts';
import { createNodeLogs } from './pod-observations.ts';

const { signal } = new AbortController();
const LINE = '2026-11-22T12:00:00Z stderr F started\n';

describe('the pod logs of this node', () => {
  it('are read for the pod only, whatever its name', async () => {
    const host = createFakeHost({
      tree: treeOf({ '/var/log/pods/kube-system_web_1/main/0.log': LINE, '/root/main/0.log': LINE }),
    });
    const read = createNodeLogs({ host });
    const [pod] = await podsOf();
    if (pod === undefined) throw new Error('no pod');
    const named = (name: string, uid: string) => ({ ...pod, namespace: 'kube-system', name, uid });
    expect(await read(named('web', '1'), 'main', signal)).toEqual(['started']);
    expect(await read(named('x/../../../../root', '1'), 'main', signal)).toEqual([]);
    expect(await read(named('web', '1/../../../../../root'), 'main', signal)).toEqual([]);
    expect(await read(named('web', '1'), '../../../../root/main', signal)).toEqual([]);
  });
});

async function podsOf() {
  const world = createWorld();
  world.plantReplica(world.plant('Deployment', CONTROLLER_MANAGER), { name: 'web', node: 'cp1' });
  return (await world.pods()).map(toPod);
}
