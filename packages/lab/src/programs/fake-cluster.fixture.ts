import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { buildPki, type KeyPair, type Pki } from '@kube-rescue/testing';

const TOKEN = 'a-token-of-the-tests';

/** An API server with a few objects over real HTTPS, and the service account of its client. */
export class FakeCluster {
  /** Objects and lists by their path. */
  readonly objects = new Map<string, unknown>();
  readonly patches: { readonly path: string; readonly patch: unknown }[] = [];
  readonly pki: Pki;
  readonly #directory: string;
  readonly #address: string;
  #server: Server | undefined;
  #port = 0;

  private constructor(pki: Pki, directory: string, address: string) {
    this.pki = pki;
    this.#directory = directory;
    this.#address = address;
  }

  static async start(
    directory: string,
    { address = '127.0.0.1', expired = [] }: { address?: string; expired?: readonly 'apiserver'[] } = {},
  ): Promise<FakeCluster> {
    const pki = await buildPki({ address, algorithm: 'ecdsa', expired });
    const cluster = new FakeCluster(pki, path.join(directory, 'serviceaccount'), address);
    await mkdir(cluster.#directory);
    await writeFile(path.join(cluster.#directory, 'token'), TOKEN);
    await cluster.trust(pki.pairs.ca.certificate);
    await cluster.serve();
    return cluster;
  }

  get server(): string {
    return `https://${this.#address}:${this.#port}`;
  }

  /** The environment of a container, with the path of its service account. */
  get environment(): Readonly<Record<string, string>> {
    return {
      KUBERNETES_SERVICE_HOST: this.#address,
      KUBERNETES_SERVICE_PORT: String(this.#port),
      SERVICE_ACCOUNT_DIRECTORY: this.#directory,
    };
  }

  /** Changes the ca.crt of the service account. */
  async trust(ca: string): Promise<void> {
    await writeFile(path.join(this.#directory, 'ca.crt'), ca);
  }

  async writeKubeconfig(file: string): Promise<void> {
    const lines = [
      'apiVersion: v1',
      'clusters:',
      '- name: local',
      '  cluster:',
      `    server: ${this.server}`,
      `    certificate-authority: ${this.#directory}/ca.crt`,
      'users:',
      '- name: service-account',
      '  user:',
      `    tokenFile: ${this.#directory}/token`,
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
  }

  /** Serves on the same port as before. */
  async serve(pair: KeyPair = this.pki.pairs.apiserver): Promise<void> {
    this.#server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
      void this.#respond(request, response);
    });
    this.#server.listen(this.#port, this.#address);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = (request.url ?? '').replace(/\?.*$/, '');
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return send(401, { kind: 'Status', message: 'Unauthorized' });
    if (request.method === 'PATCH') {
      const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
      this.patches.push({ path: asked, patch: JSON.parse(Buffer.concat(chunks).toString()) });
      return send(200, {});
    }
    const found = this.objects.get(asked);
    return found === undefined ? send(404, { kind: 'Status', message: `"${asked}" not found` }) : send(200, found);
  }
}
