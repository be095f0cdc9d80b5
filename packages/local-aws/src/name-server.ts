import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** A record set as in a zone file; names without the last dot. */
export interface RecordSet {
  readonly name: string;
  /** For example `A`, `CNAME`, `NS`, `TXT`. */
  readonly type: string;
  /** Seconds. */
  readonly ttl: number;
  /** As in a zone file: `192.0.2.1`, `www.example.test.`, `"text"`. */
  readonly values: readonly string[];
}

/** A zone without its SOA record. */
export interface ServedZone {
  readonly name: string;
  readonly records: readonly RecordSet[];
}

/** Debian's knot as the authoritative server of some zones. */
export interface RunningNameServer {
  readonly address: string;
  readonly port: number;
  /** Replaces all zones; resolves when they are served. */
  serve(zones: readonly ServedZone[]): Promise<void>;
  /** Kills it and removes its files. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
const run = promisify(execFile);

/**
 * Starts `knotd` in a temporary directory, without zones. It is killed with this process, however this process ends.
 *
 * @param address an address of the loopback interface, for example `127.0.0.2`
 */
export async function startNameServer(address: string, port: number): Promise<RunningNameServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-knot-'));
  const at = (file: string): string => path.join(directory, file);
  const control = (...words: readonly string[]): Promise<string> =>
    run('knotc', ['--socket', at('knot.sock'), ...words]).then(({ stdout }) => stdout);
  const configure = (zones: readonly ServedZone[]): Promise<void> =>
    writeFile(at('knot.conf'), configuration(directory, address, port, zones));
  await configure([]);
  const log = openSync(at('knotd.log'), 'a');
  // The kernel kills it when this process ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'knotd', '--config', at('knot.conf')], {
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const stop = async (): Promise<void> => {
    await kill(child);
    await rm(directory, { recursive: true, force: true });
  };
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await isSo())) {
      if (Date.now() > deadline || child.exitCode !== null) {
        throw new Error(`knotd does not serve:\n${await readFile(at('knotd.log'), 'utf8')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  try {
    await until(() => control('status').then(Boolean, () => false));
  } catch (error) {
    await stop();
    throw error;
  }
  let serial = 0;
  const serve = async (zones: readonly ServedZone[]): Promise<void> => {
    serial += 1;
    await Promise.all(zones.map((zone) => writeFile(at(`${zone.name}.zone`), zoneFile(zone, serial))));
    await configure(zones);
    await control('reload');
    await until(async () => {
      const status = zones.length === 0 ? '' : await control('--mono', 'zone-status', '+serial');
      return zones.every(({ name }) => status.includes(`[${name}.] serial: ${serial}\n`));
    });
  };
  let last = Promise.resolve();
  return {
    address,
    port,
    // One at a time: concurrent updates would mix up their serial numbers.
    serve: (zones) => {
      last = last.then(() => serve(zones));
      return last;
    },
    stop,
  };
}

function configuration(directory: string, address: string, port: number, zones: readonly ServedZone[]): string {
  const domains = zones.map(({ name }) => `  - domain: ${name}\n`).join('');
  return `server:
    rundir: "${directory}"
    listen: "${address}@${port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: "${directory}/knot.sock"
log:
  - target: stderr
    any: warning
database:
    storage: "${directory}"
template:
  - id: default
    storage: "${directory}"
    file: "%s.zone"
    zonefile-load: whole
    journal-content: none
${domains === '' ? '' : `zone:\n${domains}`}`;
}

function zoneFile({ name, records }: ServedZone, serial: number): string {
  const soa = `${name}. 900 IN SOA ns.${name}. hostmaster.${name}. ${serial} 7200 900 1209600 60`;
  const lines = records.flatMap((record) =>
    record.values.map((value) => `${record.name}. ${record.ttl} IN ${record.type} ${value}`),
  );
  return `${[soa, ...lines].join('\n')}\n`;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
