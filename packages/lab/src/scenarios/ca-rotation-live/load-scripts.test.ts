import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parsePoll } from './load.ts';
import { WORKLOAD } from './load-scripts.ts';

/** Of this process alone: the port is fixed. */
const NETWORK = `127.77.${process.pid % 256}`;
const [ALIVE, ALSO_ALIVE, GONE, ALSO_GONE] = [`${NETWORK}.1`, `${NETWORK}.2`, `${NETWORK}.3`, `${NETWORK}.4`];
const REQUESTS = 3;

let folder = '';
let servers: readonly Server[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kube-rescue-load-'));
  servers = [ALIVE, ALSO_ALIVE].map((address) => createServer((_, answer) => answer.end('ok')).listen(8080, address));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  await writeFile(path.join(folder, 'kubectl'), `#!/bin/sh\nexec cat ${folder}/ready\n`, { mode: 0o755 });
  // The loop sleeps after each request: the last one ends it, however long they took.
  const stopAtLast = `[ "$(wc -l <${folder}/asked)" -lt ${REQUESTS} ] || : >${folder}/stop`;
  await writeFile(path.join(folder, 'sleep'), `#!/bin/sh\necho >>${folder}/asked\n${stopAtLast}\n`, { mode: 0o755 });
});

afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true });
});

const lines = (addresses: readonly (string | undefined)[]) => addresses.map((each) => `${each} True\n`).join('');

/** @param ready what the API server says; undefined: nothing, because it is away */
async function workload(listed: readonly string[], ready: readonly string[] | undefined) {
  const [pods, stop, told] = ['pods', 'stop', 'ready'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(pods, lines(listed));
  if (ready !== undefined) await writeFile(told, `${NETWORK}.9 False\n${lines(ready)}`);
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  const { stdout } = await promisify(execFile)('bash', ['-c', WORKLOAD, 'load', stop, pods], { env });
  const { requests, failures } = parsePoll('workload', stdout);
  return { asked: requests === REQUESTS, failed: failures.length, listed: await readFile(pods, 'utf8') };
}

describe('the load on a workload', () => {
  beforeEach(async () => {
    await Promise.all(['stop', 'ready', 'asked'].map((name) => rm(path.join(folder, name), { force: true })));
  });

  it('asks the same pods while they answer, also when the API server is away', async () => {
    const expected = { asked: true, failed: 0, listed: lines([ALIVE, ALSO_ALIVE]) };
    expect(await workload([ALIVE, ALSO_ALIVE], undefined)).toEqual(expected);
  });

  it.each([
    ['one pod was', [ALIVE, GONE], [ALIVE, ALSO_ALIVE]],
    ['all pods were', [GONE, ALSO_GONE], [ALIVE, ALSO_ALIVE]],
  ])('goes over to the new pods when %s replaced', async (_name, listed, ready) => {
    expect(await workload(listed, ready)).toEqual({ asked: true, failed: 0, listed: lines(ready) });
  });

  it('has failed when a pod that is Ready breaks off once and answers when it is asked again', async () => {
    let isFirst = true;
    const moody = createServer((request, answer) => {
      if (isFirst) request.socket.destroy();
      else answer.end('ok');
      isFirst = false;
    }).listen(8080, GONE);
    try {
      expect(await workload([ALIVE, GONE], [ALIVE, GONE])).toMatchObject({ asked: true, failed: 1 });
    } finally {
      moody.close();
    }
  });

  it.each([
    ['a pod that is listed as Ready', [ALIVE, GONE], [ALIVE, GONE]],
    ['a new pod that is listed as Ready', [GONE], [ALSO_GONE]],
    ['a pod of which no API server says anything', [ALIVE, GONE], undefined],
  ])('has failed when %s does not answer', async (_name, listed, ready) => {
    const { asked, failed } = await workload(listed, ready);
    expect({ asked, hasFailed: failed > 0 }).toEqual({ asked: true, hasFailed: true });
  });
});
