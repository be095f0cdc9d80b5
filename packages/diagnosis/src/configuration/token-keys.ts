import { LOSSES } from '@kube-rescue/cert-rotation';
import { remedyForTokenKey, TOKEN_SIGNERS } from '@kube-rescue/cert-rotation/token-keys';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Host, HostPath } from '@kube-rescue/host';
import { type ComponentFlags, findComponent, findFlag, namedPaths } from '@kube-rescue/node-config';
import { describeGoFault, findPemLoss, findSigningKeyFault, readPem } from '@kube-rescue/x509';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Finding } from '../cause.ts';

type Reader = Pick<Host, 'readFile'>;

/** What is wrong with the keys of service account tokens, and the files that it names. */
export interface TokenKeyReport {
  readonly findings: readonly Finding[];
  readonly paths: ReadonlySet<string>;
}

interface TokenKeyFile {
  readonly path: HostPath;
  /** `missing`: there is no file. `unread`: it cannot be read, which is reported elsewhere. */
  readonly state: 'read' | 'missing' | 'unread';
  readonly text: string;
  readonly publicKeys: readonly KeyObject[];
}

interface Signer extends TokenKeyFile {
  readonly component: string;
  readonly flag: string;
}

/** The keys with which the controller manager signs certificate requests (Kubernetes `cmd/kube-controller-manager/app/certificates.go`). */
const REQUEST_SIGNERS = [
  'cluster-signing-key-file',
  'cluster-signing-kubelet-serving-key-file',
  'cluster-signing-kubelet-client-key-file',
  'cluster-signing-kube-apiserver-client-key-file',
  'cluster-signing-legacy-unknown-key-file',
] as const;

/**
 * Keys that sign certificate requests and hold no key: the controller manager ends at its start. A key that is missing is
 * reported with its CA.
 */
export async function findLostRequestSigners(
  components: readonly ComponentFlags[],
  { host }: { readonly host: Reader },
): Promise<readonly Finding[]> {
  const component = 'kube-controller-manager';
  const findings = REQUEST_SIGNERS.map(async (flag): Promise<readonly Finding[]> => {
    const [path] = namedPaths(findFlag(components, { component, flag }) ?? '');
    const file = path === undefined ? undefined : await readKeyFile(path, host);
    if (file?.state !== 'read' || findSigningKeyFault(file.text) === undefined) return [];
    return [
      {
        code: 'SIGNING_KEY_LOST',
        summary: `${component} cannot start: the key that signs certificate requests ${describeLoss(file)}`,
        evidence: [`${component} --${flag}=${path}`],
        hint: `restore it from a backup or from another control-plane node, where it is the same; or take the flag away, and no certificate request is signed`,
      },
    ];
  });
  return (await Promise.all(findings)).flat();
}

/**
 * The keys of service account tokens: those that cannot be read, and those that sign what the API server refuses.
 *
 * The API server verifies tokens by the public keys of `--service-account-key-file`, or of its serving key without the flag
 * (Kubernetes `pkg/kubeapiserver/options/authentication.go`); it signs them with `--service-account-signing-key-file`, and the
 * controller manager the older ones with `--service-account-private-key-file`. Each ends at its start when a file holds no key
 * (client-go `util/keyutil/key.go` PublicKeysFromFile, PrivateKeyFromFile).
 */
export async function findTokenKeyFaults(
  components: readonly ComponentFlags[],
  { host }: { readonly host: Reader },
): Promise<TokenKeyReport> {
  const apiServer = findComponent(components, 'kube-apiserver');
  // An external signer holds the keys (since 1.32): there is no file, and the API server takes its keys from it.
  const isExternal = (apiServer?.flags.get('service-account-signing-endpoint') ?? '') !== '';
  if (apiServer === undefined || isExternal) return { findings: [], paths: new Set() };
  const named = apiServer.flags.get('service-account-key-file');
  const verifying = named ?? apiServer.flags.get('tls-private-key-file') ?? '';
  const verifiers = await Promise.all(namedPaths(verifying).map((path) => readKeyFile(path, host)));
  const read = TOKEN_SIGNERS.map(async (reference): Promise<readonly Signer[]> => {
    const [path] = namedPaths(findFlag(components, reference) ?? '');
    return path === undefined ? [] : [{ ...(await readKeyFile(path, host)), ...reference }];
  });
  const signers = (await Promise.all(read)).flat();
  const lostSigners = signers.filter(
    ({ state, text }) => state !== 'unread' && findSigningKeyFault(text) !== undefined,
  );
  const source = signers.find((each) => each.state === 'read' && !lostSigners.includes(each));
  // The serving key is judged with its certificate. Where several verify, a missing one has no known other half.
  const lostVerifiers = (named === undefined ? [] : verifiers).filter(
    ({ state, publicKeys }) =>
      publicKeys.length === 0 &&
      (state === 'read' || (state === 'missing' && verifiers.length === 1 && source !== undefined)),
  );
  const findings = [
    ...lostVerifiers.map((file) => describeLostVerifier(file, verifiers.length === 1 ? source?.path : undefined)),
    ...describeLostSigners(lostSigners),
    ...describeForeign({ verifying, verifiers, signers, source: apiServer.source }),
  ];
  return { findings, paths: new Set([...lostVerifiers, ...lostSigners].map(({ path }) => path)) };
}

async function readKeyFile(path: HostPath, host: Reader): Promise<TokenKeyFile> {
  try {
    const bytes = await host.readFile(path);
    if (bytes === undefined) return { path, state: 'missing', text: '', publicKeys: [] };
    const text = Buffer.from(bytes).toString('latin1');
    return { path, state: 'read', text, publicKeys: readPublicKeys(text, path) };
  } catch (error) {
    if (isRecoveryError(error)) return { path, state: 'unread', text: '', publicKeys: [] };
    throw error;
  }
}

/** Public keys, the public halves of private keys, and those of certificates: client-go `util/keyutil/key.go` ParsePublicKeysPEM. */
function readPublicKeys(text: string, path: string): readonly KeyObject[] {
  try {
    return readPem(text, path).map(({ label, start, end }) => {
      const pem = text.slice(start, end);
      return label.endsWith('PRIVATE KEY') ? createPublicKey(createPrivateKey(pem)) : createPublicKey(pem);
    });
  } catch {
    return [];
  }
}

function describeLoss({ state, text }: TokenKeyFile): string {
  if (state === 'missing') return LOSSES.missing;
  const loss = findPemLoss(text);
  if (loss !== undefined) return LOSSES[loss];
  const fault = findSigningKeyFault(text);
  return fault === undefined
    ? 'holds no key that can be read'
    : `holds no key that can be read: ${describeGoFault(fault)}`;
}

function describeLostVerifier(file: TokenKeyFile, source: HostPath | undefined): Finding {
  const { path } = file;
  return {
    code: 'SERVICE_ACCOUNT_KEY_LOST',
    summary: `kube-apiserver cannot start: the key that verifies service account tokens ${describeLoss(file)}`,
    evidence: [`kube-apiserver --service-account-key-file=${path}`],
    hint:
      source === undefined
        ? 'restore it from a backup or from another control-plane node, where it is the same'
        : `it is the public half of ${source}: \`kube-rescue recover\` writes it again, and so does \`openssl pkey -in ${source} -pubout -out ${path}\``,
  };
}

function describeLostSigners(signers: readonly Signer[]): readonly Finding[] {
  return [...Map.groupBy(signers, ({ path }) => path).values()].flatMap((users) => {
    const [file] = users;
    return file === undefined ? [] : [describeLostSigner(file, users)];
  });
}

function describeLostSigner(file: Signer, users: readonly Signer[]): Finding {
  const { path } = file;
  return {
    code: 'SERVICE_ACCOUNT_KEY_LOST',
    summary: `${users.map(({ component }) => component).join(' and ')} cannot start: the key that signs service account tokens ${describeLoss(file)}`,
    evidence: users.map(({ component, flag }) => `${component} --${flag}=${path}`),
    hint: remedyForTokenKey(path),
  };
}

function describeForeign({
  verifying,
  verifiers,
  signers,
  source,
}: {
  readonly verifying: string;
  readonly verifiers: readonly TokenKeyFile[];
  readonly signers: readonly Signer[];
  readonly source: HostPath;
}): readonly Finding[] {
  const accepted = verifiers.flatMap(({ publicKeys }) => publicKeys);
  // A key that cannot be read might be the one.
  if (accepted.length === 0 || verifiers.some(({ publicKeys }) => publicKeys.length === 0)) return [];
  return signers.flatMap(({ component, flag, path, publicKeys: [key] }): readonly Finding[] => {
    if (key === undefined || accepted.some((each) => each.equals(key))) return [];
    return [
      {
        code: 'SERVICE_ACCOUNT_KEY_MISMATCH',
        summary: `the API server refuses new service account tokens, because ${component} signs them with a key that --service-account-key-file does not name`,
        evidence: [`${component} --${flag}=${path}`, `kube-apiserver --service-account-key-file=${verifying}`],
        hint: `name the public half in ${source} with a further --service-account-key-file, or restore the pair from a backup or another control-plane node`,
      },
    ];
  });
}
