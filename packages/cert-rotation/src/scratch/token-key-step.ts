import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { type ComponentFlags, findFlag, namedPaths, readNamedFile } from '@kube-rescue/node-config';
import type { Step, Verdict } from '@kube-rescue/workflow';
import { encodePem, findPemLoss, parsePrivateKey, publicKeyDerOf } from '@kube-rescue/x509';
import { describeLoss, lossOf } from '../inventory/loss.ts';
import { attempt } from '../inventory/reading.ts';
import type { FileFinding } from '../renewal/file-plan.ts';
import { planLostFile, PRIVATE_KEY_MODE } from '../renewal/file-target.ts';

/** The step that writes the public half of the key of service account tokens again. */
const TOKEN_KEY_STEP = 'pki/renew/sa.pub';

type Reader = Pick<Host, 'readFile' | 'readLink' | 'stat'>;

interface TokenKeyPair {
  readonly publicPath: HostPath;
  readonly privatePath: HostPath;
}

/** The flags with the keys that sign: the API server's tokens, and the older ones of the controller manager. */
export const TOKEN_SIGNERS = [
  { component: 'kube-apiserver', flag: 'service-account-signing-key-file' },
  { component: 'kube-controller-manager', flag: 'service-account-private-key-file' },
] as const;

/** What to do about a lost key that signs service account tokens. */
export function remedyForTokenKey(path: HostPath): string {
  return `restore it from a backup or from another control-plane node, where it is the same; without one, move ${path} and its public half away: \`kubeadm init phase certs sa\` makes a new pair, and every token of before becomes invalid, so restart the pods that use one`;
}

/** The pair of the flags; `undefined` where the API server verifies with several keys, with the signing key, or with its serving key. */
function findPair(components: readonly ComponentFlags[]): TokenKeyPair | undefined {
  const flag = { component: 'kube-apiserver', flag: 'service-account-key-file' } as const;
  const [publicPath, another] = namedPaths(findFlag(components, flag) ?? '');
  const [signing] = TOKEN_SIGNERS.flatMap((reference) => findFlag(components, reference) ?? []);
  if (publicPath === undefined || another !== undefined || signing === undefined || signing === publicPath)
    return undefined;
  return { publicPath, privatePath: hostPath(signing) };
}

/** The public half in the form in which kubeadm writes it (`app/util/pkiutil/pki_helpers.go` EncodePublicKeyPEM). */
async function renderPublicHalf({ privatePath }: TokenKeyPair, host: Reader): Promise<string> {
  const { key } = parsePrivateKey(await readNamedFile(host, privatePath, 'PKI_KEY_MISSING'), privatePath);
  return encodePem('PUBLIC KEY', publicKeyDerOf(key));
}

async function checkPublicHalf(pair: TokenKeyPair, host: Reader): Promise<FileFinding> {
  const { publicPath, privatePath } = pair;
  // Without it neither the API server nor the controller manager starts.
  const privateLoss = await lossOf(privatePath, host, findPemLoss);
  if (privateLoss !== undefined) {
    return blocked(privatePath, describeLoss(privateLoss), PRIVATE_KEY_LOST[privateLoss]);
  }
  const loss = await lossOf(publicPath, host, findPemLoss);
  const name = 'the public key of service account tokens';
  if (loss === undefined) return { status: 'ok', summary: `${name} is in ${publicPath}`, evidence: [], changes: [] };
  const rendered = await attempt(() => renderPublicHalf(pair, host));
  if (!rendered.ok) return blocked(privatePath, rendered.error.message, rendered.error.code);
  return {
    status: 'needed',
    summary: `${name}: ${describeLoss(loss)}; it is made from its private key`,
    evidence: [`the private key is in ${privatePath}`],
    changes: [await planLostFile(publicPath, PRIVATE_KEY_MODE, host)],
  };
}

const PRIVATE_KEY_LOST = { missing: 'PKI_KEY_MISSING', empty: 'PKI_KEY_INVALID', torn: 'PKI_KEY_INVALID' } as const;

function blocked(path: HostPath, reason: string, code: string): FileFinding {
  return {
    status: 'blocked',
    summary: `the private key of service account tokens: ${reason}`,
    evidence: [],
    code,
    subject: path,
    hint: remedyForTokenKey(path),
    changes: [],
  };
}

/**
 * A step that writes the lost public half of the key of service account tokens again, from its private half: tokens stay valid.
 * Blocked when the private key is lost, which is never made. Empty where the flags name no such pair. Leaves a public key that can
 * be read as it is.
 */
export function createTokenKeySteps(
  components: readonly ComponentFlags[],
  { host }: { readonly host: Reader },
): readonly Step<FileFinding>[] {
  const pair = findPair(components);
  if (pair === undefined) return [];
  return [
    {
      id: TOKEN_KEY_STEP,
      title: 'make the public key of service account tokens from its private key',
      requires: [],
      reversible: 'yes',
      check: () => checkPublicHalf(pair, host),
      plan: ({ changes }) => changes,
      apply: async (changes, journal) => {
        const material = Buffer.from(await renderPublicHalf(pair, host));
        await journal.perform(changes.map((change) => ({ change, material })));
      },
      verify: async (): Promise<Verdict> => {
        const bytes = await host.readFile(pair.publicPath);
        const isWritten = bytes !== undefined && Buffer.from(bytes).toString() === (await renderPublicHalf(pair, host));
        if (isWritten) return { verified: true, evidence: [`${pair.publicPath} belongs to ${pair.privatePath}`] };
        return { verified: false, reason: `${pair.publicPath} is not the public half of ${pair.privatePath}` };
      },
    },
  ];
}
