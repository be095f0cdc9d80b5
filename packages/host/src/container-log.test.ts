import { createFakeHost } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { POD_LOGS, readLogTail } from './container-log.ts';
import { joinPath } from './host-path.ts';

const DIRECTORY = joinPath(POD_LOGS, 'kube-system_dns_1');

async function tailOf(logs: Readonly<Record<string, string>>, lines = 2): Promise<readonly string[]> {
  const host = createFakeHost();
  await host.makeDirectory(joinPath(DIRECTORY, 'dns'), { mode: 0o755 });
  for (const [name, text] of Object.entries(logs)) {
    await host.writeFile(joinPath(DIRECTORY, `dns/${name}`), Buffer.from(text), { mode: 0o640 });
  }
  return readLogTail({ directory: DIRECTORY, container: 'dns', lines }, { host });
}

describe('the end of a container’s log', () => {
  it('is that of its last start, without what the runtime puts before each line', async () => {
    const newest =
      '2026-11-22T10:00:00.1Z stderr F two\n2026-11-22T10:00:00.2Z stdout F three\n2026-11-22T10:00:01Z stderr F four\n';
    expect(await tailOf({ '9.log': 'old\n', '10.log': newest, 'x.log': 'other' })).toEqual(['three', 'four']);
  });

  it('is that of the previous start while the current one has no output', async () => {
    expect(await tailOf({ '0.log': 'why it ended\n', '1.log': '' })).toEqual(['why it ended']);
  });

  it('is only named when too large', async () => {
    const host = createFakeHost();
    await host.makeDirectory(joinPath(DIRECTORY, 'dns'), { mode: 0o755 });
    await host.writeFile(joinPath(DIRECTORY, 'dns/0.log'), new Uint8Array(33 * 1024 * 1024), { mode: 0o640 });
    const tail = await readLogTail({ directory: DIRECTORY, container: 'dns', lines: 2 }, { host });
    expect(tail).toEqual([`${DIRECTORY}/dns/0.log is too large to be read here`]);
  });

  it('is read from the directory of the pod only, for any name of the container', async () => {
    const host = createFakeHost();
    await host.makeDirectory(joinPath(POD_LOGS, 'secret'), { mode: 0o755 });
    await host.writeFile(joinPath(POD_LOGS, 'secret/0.log'), Buffer.from('of another\n'), { mode: 0o640 });
    for (const container of ['../secret', joinPath(POD_LOGS, 'secret'), '']) {
      expect(await readLogTail({ directory: DIRECTORY, container, lines: 2 }, { host }), container).toEqual([]);
    }
  });

  it('is empty when there is none, and secrets are redacted', async () => {
    expect(await tailOf({})).toEqual([]);
    expect((await tailOf({ '0.log': 'token: hunter2\n' })).join()).not.toContain('hunter2');
  });
});
