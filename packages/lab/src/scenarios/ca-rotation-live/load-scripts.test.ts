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

let directory = '';
let servers: readonly Server[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-load-'));
  servers = [ALIVE, ALSO_ALIVE].map((address) => createServer((_, answer) => answer.end('ok')).listen(8080, address));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  await writeFile(path.join(directory, 'kubectl'), `#!/bin/sh\nexec cat ${directory}/ready\n`, { mode: 0o755 });
  // The loop sleeps after each request: the last one ends it, however long they took.
  const stopAtLast = `[ "$(wc -l <${directory}/asked)" -lt ${REQUESTS} ] || : >${directory}/stop`;
  await writeFile(path.join(directory, 'sleep'), `#!/bin/sh\necho >>${directory}/asked\n${stopAtLast}\n`, {
    mode: 0o755,
  });
});

afterAll(async () => {
  for (const server of servers) server.close();
  await rm(directory, { recursive: true });
});

const lines = (addresses: readonly (string | undefined)[]) => addresses.map((each) => `${each} True\n`).join('');

/** @param ready the pods that the API server lists as Ready; undefined: the API server is down */
async function workload(listed: readonly string[], ready: readonly string[] | undefined) {
  const [pods, stop, readyFile] = ['pods', 'stop', 'ready'].map((name) => path.join(directory, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(pods, lines(listed));
  if (ready !== undefined) await writeFile(readyFile, `${NETWORK}.9 False\n${lines(ready)}`);
  const env = { ...process.env, PATH: `${directory}:${process.env['PATH'] ?? ''}` };
  const { stdout } = await promisify(execFile)('bash', ['-c', WORKLOAD, 'load', stop, pods], { env });
  const { requests, failures } = parsePoll('workload', stdout);
  return { asked: requests === REQUESTS, failed: failures.length, listed: await readFile(pods, 'utf8') };
}

describe('the load on a workload', () => {
  beforeEach(async () => {
    await Promise.all(['stop', 'ready', 'asked'].map((name) => rm(path.join(directory, name), { force: true })));
  });

  it('requests the same pods while they answer, also when the API server is down', async () => {
    const expected = { asked: true, failed: 0, listed: lines([ALIVE, ALSO_ALIVE]) };
    expect(await workload([ALIVE, ALSO_ALIVE], undefined)).toEqual(expected);
  });

  it.each([
    ['one pod was', [ALIVE, GONE], [ALIVE, ALSO_ALIVE]],
    ['all pods were', [GONE, ALSO_GONE], [ALIVE, ALSO_ALIVE]],
  ])('switches to the new pods when %s replaced', async (_name, listed, ready) => {
    expect(await workload(listed, ready)).toEqual({ asked: true, failed: 0, listed: lines(ready) });
  });

  it('counts a failure when a Ready pod closes one connection, even if it answers the next', async () => {
    let isFirst = true;
    const flaky = createServer((request, answer) => {
      if (isFirst) request.socket.destroy();
      else answer.end('ok');
      isFirst = false;
    }).listen(8080, GONE);
    try {
      expect(await workload([ALIVE, GONE], [ALIVE, GONE])).toMatchObject({ asked: true, failed: 1 });
    } finally {
      flaky.close();
    }
  });

  it.each([
    ['a pod that is listed as Ready', [ALIVE, GONE], [ALIVE, GONE]],
    ['a new pod that is listed as Ready', [GONE], [ALSO_GONE]],
    ['a pod while the API server is down', [ALIVE, GONE], undefined],
  ])('counts a failure when %s does not answer', async (_name, listed, ready) => {
    const { asked, failed } = await workload(listed, ready);
    expect({ asked, hasFailed: failed > 0 }).toEqual({ asked: true, hasFailed: true });
  });
});
