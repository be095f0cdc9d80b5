import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Link } from './lease.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;

interface LinkDocument {
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly addr_info: readonly { readonly family: string; readonly local: string }[];
}

/** Finds a link by name or address. Default: the link of the default route. */
export async function findInterface(wanted: string | undefined): Promise<Link> {
  const name = wanted ?? (await defaultLink());
  const links = JSON.parse(await ip('-json', 'address', 'show')) as readonly LinkDocument[];
  for (const { ifname, address: mac, mtu, addr_info } of links) {
    const addresses = addr_info.filter(({ family }) => family === 'inet').map(({ local }) => local);
    const address = addresses.includes(name) ? name : addresses[0];
    if (address !== undefined && (ifname === name || address === name)) return { name: ifname, address, mac, mtu };
  }
  throw new Error(`error looking up interface ${name}: no such network interface`);
}

async function defaultLink(): Promise<string> {
  const [route] = JSON.parse(await ip('-json', 'route', 'show', 'default')) as readonly { dev: string }[];
  if (route === undefined) throw new Error('failed to get default interface: unable to find default route');
  return route.dev;
}

/** Adds a route, or changes its gateway. */
export async function addRoute(network: string, gateway: string): Promise<void> {
  await ip('route', 'replace', network, 'via', gateway);
}

/** Removes a route; it need not exist. */
export async function dropRoute(network: string): Promise<void> {
  await ip('route', 'flush', network);
}

/** Masquerades traffic that leaves the pod network, as flannel's `--ip-masq` does. Adds only missing rules. */
export async function masquerade(network: string, subnet: string): Promise<void> {
  const rules = [
    ['-s', network, '-d', network, '-j', 'RETURN'],
    ['-s', network, '!', '-d', '224.0.0.0/4', '-j', 'MASQUERADE'],
    ['!', '-s', network, '-d', subnet, '-j', 'RETURN'],
    ['!', '-s', network, '-d', network, '-j', 'MASQUERADE'],
  ];
  for (const rule of rules) {
    const isThere = await iptables('-C', rule).then(
      () => true,
      () => false,
    );
    if (!isThere) await iptables('-A', rule);
  }
}

async function iptables(action: '-A' | '-C', rule: readonly string[]): Promise<void> {
  const argv = ['-w', '-t', 'nat', action, 'POSTROUTING', ...rule, '-m', 'comment', '--comment', 'flanneld masq'];
  await run('iptables', argv, { timeout: TIMEOUT_MS });
}

async function ip(...words: readonly string[]): Promise<string> {
  return (await run('ip', words, { timeout: TIMEOUT_MS })).stdout;
}
