import { createFakeHost } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { POD_LOGS, readLogTail } from './container-log.ts';
import { joinPath } from './host-path.ts';

const FOLDER = joinPath(POD_LOGS, 'kube-system_dns_1');

async function tailOf(logs: Readonly<Record<string, string>>, lines = 2): Promise<readonly string[]> {
  const host = createFakeHost();
  await host.makeDirectory(joinPath(FOLDER, 'dns'), { mode: 0o755 });
  for (const [name, text] of Object.entries(logs)) {
    await host.writeFile(joinPath(FOLDER, `dns/${name}`), Buffer.from(text), { mode: 0o640 });
  }
  return readLogTail({ folder: FOLDER, container: 'dns', lines }, { host });
}

describe('the end of a container’s log', () => {
  it('is that of its last start, without what the runtime puts before each line', async () => {
    const newest =
      '2026-11-22T10:00:00.1Z stderr F two\n2026-11-22T10:00:00.2Z stdout F three\n2026-11-22T10:00:01Z stderr F four\n';
    expect(await tailOf({ '9.log': 'old\n', '10.log': newest, 'x.log': 'other' })).toEqual(['three', 'four']);
  });

  it('is that of the start before while the last one has written nothing', async () => {
    expect(await tailOf({ '0.log': 'why it ended\n', '1.log': '' })).toEqual(['why it ended']);
  });

  it('is empty when there is none, and keeps secrets to itself', async () => {
    expect(await tailOf({})).toEqual([]);
    expect((await tailOf({ '0.log': 'token: hunter2\n' })).join()).not.toContain('hunter2');
  });
});
