import {
  describeGoFault,
  findBundleFault,
  findCertificateFault,
  findKeyPairFault,
  findSigningKeyFault,
  findVerificationFault,
  type GoFault,
  readGoCertificate,
} from '../../packages/x509/src/go/index.ts';
import { catchFault } from '../../packages/x509/src/go/rules.ts';
import { isRecoveryError } from '@kube-rescue/errors';
import { hostPath } from '@kube-rescue/host';
import { decodeKubeconfig, type KubeconfigCredential, parseKubeconfig } from '@kube-rescue/node-config';
import type { ChainItem, CorpusItem } from './corpus/items.ts';

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
const latin1 = (base64: string): string => bytes(base64).toString('latin1');

function judgeChain(item: ChainItem): GoFault | undefined {
  const result = catchFault(() => ({
    leaf: readGoCertificate(bytes(item.leaf)),
    intermediates: item.intermediates.map((der) => readGoCertificate(bytes(der))),
    roots: item.roots.map((der) => readGoCertificate(bytes(der))),
  }));
  if (!result.ok) return result.fault;
  const { usage, host, now } = item;
  return findVerificationFault({ ...result.value, usages: [usage], host, now: new Date(now) });
}

const KUBECONFIG = hostPath('/etc/kubernetes/admin.conf');

/** The structure, and then what it embeds, as the TLS configuration of client-go uses it. */
function judgeKubeconfig(text: string): string {
  const { server, certificate, key, trust } = parseKubeconfig(decodeKubeconfig(bytes(text), KUBECONFIG), KUBECONFIG);
  if (!/^https:/i.test(server)) return '';
  const textOf = (part: KubeconfigCredential | undefined) => (part?.in === 'kubeconfig' ? part.text : undefined);
  const bundle = textOf(trust);
  const pair = textOf(certificate);
  const faults = [
    bundle === undefined ? undefined : findBundleFault(bundle, 'pool'),
    pair === undefined ? undefined : findKeyPairFault(pair, textOf(key) ?? ''),
  ];
  return faults.map((fault) => (fault === undefined ? '' : describeGoFault(fault))).join('');
}

function faultOf(item: CorpusItem): GoFault | undefined {
  switch (item.kind) {
    case 'certificate':
      return findCertificateFault(bytes(item.der));
    case 'pair':
      return findKeyPairFault(latin1(item.certificate), latin1(item.key));
    case 'signing-key':
      return findSigningKeyFault(latin1(item.text));
    case 'chain':
      return judgeChain(item);
    case 'kubeconfig':
      return undefined;
    case 'client-go':
    case 'pool':
    case 'etcd':
      return findBundleFault(latin1(item.text), item.kind);
  }
}

/** Our judgement of an item; `''` for one that we call good. */
export function judgeOurselves(item: CorpusItem): string {
  if (item.kind === 'kubeconfig') {
    try {
      return judgeKubeconfig(item.text);
    } catch (error) {
      if (isRecoveryError(error)) return error.message;
      throw error;
    }
  }
  const fault = faultOf(item);
  return fault === undefined ? '' : `${fault.rule}: ${describeGoFault(fault)}`;
}

/** Whether our judgement has a rule of a Go after 1.`minor`. */
export function isNewerRule(own: string, minor: number): boolean {
  return Number(/since Go 1\.(\d+)$/.exec(own)?.[1] ?? 0) > minor;
}
