import type { LabDeps } from '../../machine/lab-deps.ts';
import { WEB_ANSWER } from '../../kubernetes/images.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { labRuntime } from '../../programs/runtime.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { SHOP_NAME } from '../../self-hosted/layout.ts';

/**
 * Resolves a name with c-ares, which is part of Node.js and independent of kube-rescue. Arguments: the resolver and the
 * name.
 */
const RESOLVE = `const [server, name] = process.argv.slice(1);
const resolver = new (require('node:dns').promises.Resolver)({ timeout: 2000, tries: 2 });
resolver.setServers([server]);
resolver.resolve4(name).then((found) => console.log(found.join(' ')), ({ code }) => console.log(code));`;
/** The same, and asks the resolved address for the page, until its answer is the expected one, the third argument. */
const SEE = `const [server, name, expected] = process.argv.slice(1);
const { get } = require('node:http');
const resolver = new (require('node:dns').promises.Resolver)({ timeout: 2000, tries: 2 });
resolver.setServers([server]);
const ask = (host) => new Promise((resolve) => {
  const request = get({ host, headers: { host: name }, timeout: 3000 }, (response) => {
    let text = '';
    response.on('data', (part) => (text += part)).on('end', () => resolve(text.trim() === expected));
  });
  request.on('timeout', () => request.destroy()).on('error', () => resolve(false));
});
const look = async () => {
  const [address] = await resolver.resolve4(name).catch(() => []);
  if (address !== undefined && (await ask(address))) return;
  setTimeout(look, 500);
};
look();`;
const SEEN_DEADLINE_MS = 15 * 60_000;
const ADDRESS = /^[\d.]+$/;

/** Proves that the shop resolves outside the cluster, and answers at the resolved address. */
export function proveShopByName(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove(`${SHOP_NAME} resolves, and answers by its name`, async () => {
    const found = await resolveShop(cluster, deps);
    if (!ADDRESS.test(found)) return { ok: false, detail: `the resolver answers ${found}` };
    const curl = ['curl', '--silent', '--max-time', '5', '--resolve', `${SHOP_NAME}:80:${found}`] as const;
    const { stdout } = await execOnNode(cluster, [...curl, `http://${SHOP_NAME}/`], deps);
    const answer = stdout.trim().slice(0, 80);
    return { ok: answer === WEB_ANSWER, detail: `it resolves to ${found}, which answers '${answer}'` };
  });
}

/**
 * Waits until the shop resolves outside the cluster, and answers at the resolved address. One program asks all the time: a program for
 * each look would take half of a small machine from the recovery that it watches.
 *
 * @throws LabError `LAB_COMMAND_FAILED`
 */
export async function seeShopByName(cluster: SelfHostedCluster, deps: LabDeps): Promise<void> {
  const argv = [labRuntime(cluster.node), '--eval', SEE, cluster.outside.resolver, SHOP_NAME, WEB_ANSWER] as const;
  await runOnNode(cluster, argv, deps, { timeoutMs: SEEN_DEADLINE_MS });
}

/** Proves that the shop does not resolve: AWS rejects the access key of the record keeper. */
export function proveShopUnknown(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove(`${SHOP_NAME} does not resolve`, async () => {
    const found = await resolveShop(cluster, deps);
    return { ok: found === 'ENOTFOUND', detail: `the resolver answers ${found}` };
  });
}

async function resolveShop(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const argv = [labRuntime(cluster.node), '--eval', RESOLVE, cluster.outside.resolver, SHOP_NAME] as const;
  const { stdout, stderr } = await execOnNode(cluster, argv, deps);
  return stdout.trim() || stderr.trim().slice(-200);
}
