import { joinPath } from '@kube-rescue/host';
import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { issueCertificate, leafExtensions } from '../cluster/certificate-signing.ts';
import type { ClusterMachine, LabCluster } from '../cluster/lab-cluster.ts';
import { readNodeText } from '../cluster/node-text.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type ClusterNode, nodeFile } from '../machine/lab-directory.ts';
import { type ServiceDefinition, startService } from '../machine/services.ts';
import { hostProgram } from '../programs/images.ts';
import { API_SERVER_DIRECTORY, renderApiServerFiles, TOKEN_AUDIENCE } from './api-server-files.ts';

const WEBHOOKS = 'webhooks';
const PORT = 8443;
const MS_PER_DAY = 24 * 60 * 60 * 1000;
const MS_PER_SECOND = 1000;
const LIFETIME_DAYS = 365;
const TOKEN_SECONDS = 24 * 60 * 60;
const KEY_ID = 'lab';
const ENCRYPTION_KEY_BYTES = 32;

/** The program of the webhooks as a service of `node`; see `installServices`. */
export function webhooksService(node: ClusterNode): ServiceDefinition {
  const argv = hostProgram('webhooks', `--directory=${directoryOf(node)}`, `--address=${node.address}`);
  return { name: WEBHOOKS, program: `set -- ${argv.join(' ')}` };
}

/** Names of objects that were audited are appended to this file. */
export function auditedFile(node: ClusterNode) {
  return joinPath(directoryOf(node), 'audited');
}

/** A token of an issuer outside the cluster for the user `alice`. */
export async function readOutsideToken(node: ClusterNode, deps: LabDeps): Promise<string> {
  return readNodeText(joinPath(directoryOf(node), 'token'), deps);
}

/**
 * Writes what the API server and the webhooks on `worker` need from each other, and starts the webhooks. Their certificates are of
 * the cluster CA, which must exist.
 */
export async function startWebhooks(cluster: LabCluster, worker: ClusterMachine, deps: LabDeps): Promise<void> {
  const { host, clock } = deps;
  const pki = '/etc/kubernetes/pki/ca';
  const issuer = { certificate: nodeFile(cluster.node, `${pki}.crt`), key: nodeFile(cluster.node, `${pki}.key`) };
  const ca = await readNodeText(issuer.certificate, deps);
  const now = clock.now();
  const validity = { notBefore: now, notAfter: new Date(now.getTime() + LIFETIME_DAYS * MS_PER_DAY) };
  const input = { validity, keyAlgorithm: 'ECDSA', issuer, workDirectory: cluster.node.directory } as const;
  const served = await issueCertificate(
    { ...input, subject: '/CN=webhooks', extensions: leafExtensions(['serverAuth'], [`IP:${worker.node.address}`]) },
    deps,
  );
  const client = await issueCertificate(
    { ...input, subject: '/CN=kube-apiserver-webhooks', extensions: leafExtensions(['clientAuth']) },
    deps,
  );
  const url = `https://${worker.node.address}:${PORT}`;
  const { jwks, token } = createIssuer(url, now);
  const directory = directoryOf(worker.node);
  await host.makeDirectory(directory, { mode: 0o700 });
  const outside = { 'tls.crt': served.certificate, 'tls.key': served.key, 'ca.crt': ca, 'jwks.json': jwks, token };
  for (const [name, text] of Object.entries(outside)) {
    await host.writeFile(joinPath(directory, name), Buffer.from(text), { mode: 0o600 });
  }
  await startService(worker.node, WEBHOOKS, deps);
  const encryptionKey = randomBytes(ENCRYPTION_KEY_BYTES);
  const ours = nodeFile(cluster.node, API_SERVER_DIRECTORY);
  await host.makeDirectory(ours, { mode: 0o700 });
  for (const [name, text] of Object.entries(renderApiServerFiles({ url, ca, client, encryptionKey }))) {
    await host.writeFile(joinPath(ours, name), Buffer.from(text), { mode: 0o600 });
  }
}

function directoryOf(node: ClusterNode) {
  return joinPath(node.directory, WEBHOOKS);
}

/** The keys of an issuer, and a token that it has signed. */
function createIssuer(url: string, now: Date): { readonly jwks: string; readonly token: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'RS256' }];
  const issuedAt = Math.floor(now.getTime() / MS_PER_SECOND);
  const claims = { iss: url, aud: TOKEN_AUDIENCE, sub: 'alice', iat: issuedAt, exp: issuedAt + TOKEN_SECONDS };
  return { jwks: JSON.stringify({ keys }), token: signToken(claims, privateKey) };
}

/** A JSON Web Token (RFC 7519) with RS256. */
function signToken(claims: object, key: KeyObject): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', kid: KEY_ID })}.${part(claims)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key).toString('base64url')}`;
}
