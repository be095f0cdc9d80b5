import { createPublicKey, X509Certificate } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { buildEtcdPki, freePorts, startEtcd } from '@kube-rescue/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { locateBinaries } from '../../../apps/drill/src/wiring.ts';
import { API_SERVER_DISAGREEMENTS } from '../../judge/api-server-disagreements.ts';
import { type ApiServerFiles, startOn } from '../../judge/api-server-trials.ts';
import { chainItems } from '../../judge/corpus/chains.ts';
import { bytesOf, type CorpusItem, type ItemOf } from '../../judge/corpus/items.ts';
import { KUBECONFIG_PAIRS, kubeconfigItems, SERVER } from '../../judge/corpus/kubeconfigs.ts';
import { bundleItems, pairItems, pem, signingKeyItems } from '../../judge/corpus/pairs.ts';
import {
  type Answers,
  isRandom,
  kindOf,
  listDisagreements,
  listKinds,
  rowOf,
  rowsBelow,
  sampleKinds,
  sampleOf,
} from '../../judge/kinds.ts';
import { askKubectl, askKubectlAboutServer } from '../../judge/kubectl.ts';
import { KUBECTL_DISAGREEMENTS } from '../../judge/kubectl-disagreements.ts';
import { type Chain, isChain } from '../../judge/openssl-verify.ts';
import { isNewerRule, judgeOurselves } from '../../judge/own-judge.ts';
import { inParallel } from '../../judge/parallel.ts';
import { SEED } from '../../judge/seed.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const TRIALS = 2 * availableParallelism();
/** Debian 12 builds Kubernetes 1.20 with Go 1.19. */
const GO_MINOR = 19;

const certificate = (base64: string): string => pem('CERTIFICATE', bytesOf(base64));

/** RSA and P-256, as kubeadm makes them; the API server signs with no other kinds that client-go parses. */
function isServiceAccountKey({ id }: CorpusItem): boolean {
  return !/^signing-key\/(?:ed|odd)\//.test(id);
}

/** Not one in front of another: the position does not matter to the API server. */
function isWhole({ id }: CorpusItem): boolean {
  return !/^bundle\/[\w-]+\/(?:first|second)-/.test(id);
}

async function locateKubernetes(): Promise<string> {
  const deps = { host: createLocalHost(), clock: systemClock };
  return (await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps)).directory;
}

async function answerAll<T>(
  items: readonly T[],
  ask: (item: T) => Promise<readonly Answers[]>,
): Promise<readonly Answers[]> {
  const found: Answers[] = [];
  await inParallel(items, TRIALS, async (item) => {
    found.push(...(await ask(item)));
  });
  return found;
}

const wrongOf = (answers: readonly Answers[]): readonly string[] =>
  answers.filter(({ own, other }) => own === '' && other !== '').map(({ kind, other }) => `${kind}: ${other}`);
const comparedOf = (answers: readonly Answers[]): readonly Answers[] =>
  answers.filter(({ kind, own }) => !isRandom(kind) && !isNewerRule(own, GO_MINOR));

/** The address of no etcd: the API server judges its files before it connects. */
const NO_ETCD = { flags: ['--etcd-servers=http://127.0.0.1:1'] };
const GOOD_FILES: ApiServerFiles = {
  'ca.crt': KUBECONFIG_PAIRS.client.certificate,
  'serving.crt': KUBECONFIG_PAIRS.server.certificate,
  'serving.key': KUBECONFIG_PAIRS.server.key,
  'sa.pub': createPublicKey(KUBECONFIG_PAIRS.client.key).export({ format: 'pem', type: 'spki' }),
  'sa.key': KUBECONFIG_PAIRS.client.key,
};

/** Files for one start, and our judgement of them. */
interface Trial {
  readonly files: Partial<ApiServerFiles>;
  readonly asked: readonly Pick<Answers, 'kind' | 'own'>[];
}

const trialOf = (name: string, item: CorpusItem, files: Partial<ApiServerFiles>): Trial => ({
  files,
  asked: [{ kind: `${name} ${kindOf(item)}`, own: judgeOurselves(item) }],
});
const trialOfPair = (item: ItemOf<'pair'>): Trial =>
  trialOf('pair', item, { 'serving.crt': bytesOf(item.certificate), 'serving.key': bytesOf(item.key) });
const trialOfCas = (item: ItemOf<'client-go'>): Trial => trialOf('CA file', item, { 'ca.crt': bytesOf(item.text) });
const trialOfKey = (item: ItemOf<'signing-key'>): Trial =>
  trialOf('service account key', item, { 'sa.key': bytesOf(item.text) });

/** A start with good files takes a second or two, so that a good key and good CAs share one; each bad file has its own. */
function joinGood(some: readonly Trial[], others: readonly Trial[]): readonly Trial[] {
  const isGood = ({ asked }: Trial): boolean => asked.every(({ own }) => own === '');
  const [first, second] = [some.filter(isGood), others.filter(isGood)];
  const joined = Array.from({ length: Math.max(first.length, second.length) }, (_, at): Trial => {
    const [a, b] = [first[at], second[at]];
    return { files: { ...a?.files, ...b?.files }, asked: [...(a?.asked ?? []), ...(b?.asked ?? [])] };
  });
  return [...joined, ...[...some, ...others].filter((trial) => !isGood(trial))];
}

/** The certificate that a server presents for a name, or the error of the handshake. */
function presentedFor(port: number, servername: string): Promise<Buffer | string> {
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername,
      rejectUnauthorized: false,
      ciphers: 'ALL:@SECLEVEL=0',
    });
    socket.on('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.raw ?? 'no certificate');
      socket.destroy();
    });
    socket.on('error', ({ message }) => resolve(message));
  });
}

describe('kube-apiserver, started on a sample of each kind', () => {
  const pairs = sampleOf(pairItems(SEED), 'pair');
  let binaries: string;
  let answers: readonly Answers[];

  async function startWith(files: Partial<ApiServerFiles>): Promise<string> {
    const [port = 0] = await freePorts(1);
    const input = { binaries, port, etcd: NO_ETCD, files: { ...GOOD_FILES, ...files } };
    await using started = await startOn({ ...input, until: 'accepted' });
    // Another process may take the free port in the meantime.
    return /address already in use/.test(started.error) ? startWith(files) : started.error;
  }

  async function tryFiles({ files, asked }: Trial): Promise<readonly Answers[]> {
    const other = await startWith(files);
    return asked.map((each) => ({ ...each, other }));
  }

  beforeAll(async () => {
    binaries = await locateKubernetes();
    // Those that we call good are served together, below.
    const bad = pairs.map(trialOfPair).filter(({ asked }) => asked.some(({ own }) => own !== ''));
    const keys = sampleOf(signingKeyItems().filter(isServiceAccountKey), 'signing-key').map(trialOfKey);
    const cas = sampleOf(bundleItems(SEED).filter(isWhole), 'client-go').map(trialOfCas);
    answers = await answerAll([...bad, ...joinGood(keys, cas)], tryFiles);
  });

  it('accepts whatever we call good', () => {
    expect(wrongOf(answers)).toEqual([]);
  });

  it('serves with every pair that we call good', async () => {
    const good = pairs.filter((item) => judgeOurselves(item) === '');
    const named = good.map((item, at) => ({
      name: `pair-${at}.example`,
      certificate: bytesOf(item.certificate),
      key: bytesOf(item.key),
    }));
    const etcd = await startEtcd({ pki: false });
    try {
      const [port = 0] = await freePorts(1);
      const flags = [`--etcd-servers=${etcd.endpoints.join()}`];
      const input = { binaries, port, etcd: { flags }, files: GOOD_FILES, named };
      await using started = await startOn({ ...input, until: 'serving' });
      expect(started.error).toBe('');
      const usual = new X509Certificate(GOOD_FILES['serving.crt']).raw;
      expect(await presentedFor(port, 'other.example')).toEqual(usual);
      for (const [at, { name }] of named.entries()) {
        const presented = await presentedFor(port, name);
        expect(typeof presented === 'string' ? presented : presented.equals(usual), good[at]?.id).toBe(false);
      }
    } finally {
      await etcd.stop();
    }
  });

  it('disagrees with us on the listed kinds alone, and on each of them', () => {
    expect(listDisagreements(comparedOf(answers))).toEqual(listKinds(API_SERVER_DISAGREEMENTS));
  });

  it('is compared in docs/reference/judge-comparison.md with each reason', () => {
    expect(rowsBelow('kube-apiserver')).toEqual(API_SERVER_DISAGREEMENTS.map(rowOf));
  });
});

/** A kubeconfig with another server, whatever its encoding. */
function withServer(text: Buffer, server: string): Buffer {
  const encodings = ['utf8', 'utf16le'] as const;
  const forms = encodings.map((encoding) => [Buffer.from(SERVER, encoding), Buffer.from(server, encoding)] as const);
  const all = [...forms, ...forms.slice(1).map((pair) => pair.map((each) => Buffer.from(each).swap16()))];
  const replaced = all.reduce(
    (result, [from, to]) => result.replaceAll(from?.toString('latin1') ?? '', to?.toString('latin1') ?? ''),
    text.toString('latin1'),
  );
  return Buffer.from(replaced, 'latin1');
}

describe('kubectl, beside a running kube-apiserver', () => {
  let answers: readonly Answers[];

  beforeAll(async () => {
    const binaries = await locateKubernetes();
    const kubectl = path.join(binaries, 'kubectl');
    const now = new Date().toISOString();
    const askAboutServer = (chain: Chain) =>
      askKubectlAboutServer(kubectl, {
        cert: [chain.leaf, ...chain.intermediates].map(certificate).join(''),
        key: bytesOf(chain.key).toString(),
        roots: chain.roots.map(certificate).join(''),
        host: chain.host,
      });
    const chains = sampleKinds(
      chainItems()
        .filter(isChain)
        .map((chain) => ({ ...chain, usage: 'server' as const, now, host: chain.host || '127.0.0.1' })),
    );
    const pki = await buildEtcdPki();
    const etcd = await startEtcd({ pki });
    try {
      const [port = 0] = await freePorts(1);
      const at = (file: string): string => path.join(etcd.directory, file);
      const flags = [`--etcd-servers=${etcd.endpoints.join()}`, `--etcd-cafile=${at('ca.crt')}`];
      flags.push(`--etcd-certfile=${at('client.crt')}`, `--etcd-keyfile=${at('client.key')}`);
      const input = { binaries, port, etcd: { flags }, files: GOOD_FILES };
      await using started = await startOn({ ...input, until: 'serving' });
      expect(started.error).toBe('');
      const server = `https://127.0.0.1:${port}`;
      answers = [
        ...(await answerAll(sampleOf(kubeconfigItems(SEED), 'kubeconfig'), async (item) => [
          {
            kind: kindOf(item),
            own: judgeOurselves(item),
            other: await askKubectl(kubectl, withServer(bytesOf(item.text), server)),
          },
        ])),
        ...(await answerAll(chains, async (chain) => [
          {
            kind: `chain of a server ${kindOf(chain)}`,
            own: judgeOurselves(chain),
            other: await askAboutServer(chain),
          },
        ])),
      ];
    } finally {
      await etcd.stop();
    }
  });

  it('accepts whatever we call good', () => {
    expect(wrongOf(answers)).toEqual([]);
  });

  it('disagrees with us on the listed kinds alone, and on each of them', () => {
    expect(listDisagreements(comparedOf(answers))).toEqual(listKinds(KUBECTL_DISAGREEMENTS));
  });

  it('is compared in docs/reference/judge-comparison.md with each reason', () => {
    expect(rowsBelow('kubectl')).toEqual(KUBECTL_DISAGREEMENTS.map(rowOf));
  });
});
