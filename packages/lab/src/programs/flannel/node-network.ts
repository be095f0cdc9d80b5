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

/** The link that `wanted` names by its name or its address; the one of the default route when nothing is wanted. */
export async function findCondition(wanted: string | undefined): Promise<Link> {
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

/** Lays a route, or bends it to another gateway. */
export async function addRoute(network: string, gateway: string): Promise<void> {
  await ip('route', 'replace', network, 'via', gateway);
}

/** Takes a route away; it may be gone already. */
export async function dropRoute(network: string): Promise<void> {
  await ip('route', 'flush', network);
}

/** Masquerades what leaves the pods' network, as flannel's `--ip-masq` does. Rules that are there already are left alone. */
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
