import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import { baseName, type Host, type HostPath, joinPath, parentPath } from '@kube-rescue/host';
import { findPathsInText, type UsedFile } from '@kube-rescue/node-config';
import { containsPem } from '@kube-rescue/x509';
import { PkiError } from '../errors.ts';

/** A file with PEM or a kubeconfig that a program uses. */
export interface UsedText {
  readonly file: UsedFile;
  /** As `latin1`. */
  readonly text: string;
  readonly form: 'pem' | 'kubeconfig';
}

/** What was found, what a flag names and is not there, and what could not be read. */
export interface UsedTexts {
  readonly texts: readonly UsedText[];
  readonly missing: readonly UsedFile[];
  readonly problems: readonly RecoveryError[];
}

/** A certificate or a kubeconfig is far smaller; a bundle of all public CAs is not larger. */
const MAX_FILE_BYTES = 512 * 1024;
/** Of one node; what is beyond is reported as not read. */
const MAX_FILES = 500;
const MAX_DEPTH = 3;
const MAX_ENTRIES = 200;

/** Stores of public CAs, data, logs and whole trees of the system: mounted, they are not searched. */
const NOT_SEARCHED =
  /^\/(?:(?:etc|usr|usr\/share|usr\/local\/share|var|var\/lib|var\/log|var\/run|run|lib|lib64|opt|home|root|proc|sys|dev|boot|mnt|srv|tmp|bin|sbin)?$|(?:etc\/ssl\/certs|etc\/ca-certificates|etc\/pki|usr|lib|proc|sys|dev|run|tmp|var\/run|var\/log|var\/lib\/(?:kubelet|docker|containerd|etcd|containers|kube-rescue)|etc\/cni|opt\/cni)(?:\/|$))/;
/** Copies that no program reads. */
const COPY =
  /(?:\.(?:bak|old|orig|save|backup|expired|rpmsave|rpmnew|dpkg-\w+)|~|[._-](?:bak|old|backup)[\w.-]*|\.\d{8,}[\w.-]*)$|^\./i;
/** A missing file with such a name was one with a certificate, a key or a kubeconfig. */
const CREDENTIAL = /\.(?:pem|crt|cer|cert|key|pub|kubeconfig)$|kubeconfig$/i;

/** A kubeconfig in YAML or JSON. */
const KUBECONFIG = /^\s*"?kind"?\s*:\s*"?Config"?\s*,?\s*$/m;

/** `caBundle` of a webhook in a file: base64 of PEM (apiserver `pkg/admission/plugin/manifest/loader.go`). */
const BUNDLE = /"?caBundle"?[ \t]*:[ \t]*["']?(LS0tLS1CRUdJTi[A-Za-z0-9+/]+={0,2})/g;

/** The PEM of every `caBundle`; empty without one. */
function readBundles(text: string): string {
  const bundles = [...text.matchAll(BUNDLE)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString('latin1').trim(),
  );
  return [...new Set(bundles)].map((pem) => `${pem}\n`).join('');
}

type FileHost = Pick<Host, 'readFile' | 'stat' | 'list'>;

/**
 * Reads the used files with PEM or a kubeconfig: those that are named, those of mounted directories, and those that a
 * configuration file names or includes. Bounded in size, number and depth.
 *
 * @param known paths that the catalogue judges; they are left out
 */
export async function readUsedTexts(
  files: readonly UsedFile[],
  known: ReadonlySet<string>,
  { host }: { readonly host: FileHost },
): Promise<UsedTexts> {
  const texts: UsedText[] = [];
  const missing: UsedFile[] = [];
  const problems: RecoveryError[] = [];
  const seen = new Set<string>(known);
  const certificatesDirectories = new Set([...known].map((path) => parentPath(path as HostPath)));

  const visit = async (file: UsedFile, depth: number): Promise<void> => {
    const { path, how } = file;
    if (seen.has(path)) return;
    seen.add(path);
    if (seen.size - known.size > MAX_FILES)
      return void (seen.size - known.size === MAX_FILES + 1 && problems.push(tooMany(file)));
    const stat = await host.stat(path);
    if (stat === undefined) {
      if (how === 'named' && CREDENTIAL.test(path)) missing.push(file);
      return;
    }
    const names = stat.kind === 'file' ? undefined : await host.list(path);
    if (names !== undefined) return visitAll(names, file, depth);
    if (stat.kind === 'other' || stat.size > MAX_FILE_BYTES || (how === 'mounted' && COPY.test(baseName(path)))) return;
    const bytes = await host.readFile(path);
    if (bytes === undefined || bytes.length > MAX_FILE_BYTES) return;
    const text = Buffer.from(bytes).toString('latin1');
    if (KUBECONFIG.test(text) && text.includes('clusters')) texts.push({ file, text, form: 'kubeconfig' });
    else if (containsPem(text)) texts.push({ file, text, form: 'pem' });
    else if (readBundles(text) !== '') texts.push({ file, text: readBundles(text), form: 'pem' });
    else if (!text.includes('\0')) await visitNamed(text, file, depth);
  };

  const visitAll = async (names: readonly string[], file: UsedFile, depth: number): Promise<void> => {
    const { path, how } = file;
    // kubeadm's own directories are full of what the catalogue knows, and of copies that no component reads.
    if (depth >= MAX_DEPTH || NOT_SEARCHED.test(path) || certificatesDirectories.has(path)) return;
    const visible = names.filter((name) => !COPY.test(name));
    for (const name of visible.slice(0, MAX_ENTRIES))
      await attemptVisit({ ...file, path: joinPath(path, name), how: 'mounted' }, depth + 1);
    if (visible.length > MAX_ENTRIES && how === 'named') problems.push(tooMany(file));
  };

  const visitNamed = async (text: string, file: UsedFile, depth: number): Promise<void> => {
    if (depth >= MAX_DEPTH) return;
    for (const { path, through, isPattern } of findPathsInText(text)) {
      const onHost = file.toHost(path);
      if (onHost === undefined) continue;
      const named: UsedFile = {
        ...file,
        path: onHost,
        through: `${through} in ${file.path}`,
        how: 'named',
        key: undefined,
      };
      if (!isPattern) await attemptVisit(named, depth + 1);
      else
        for (const each of await expandPattern(onHost, host))
          await attemptVisit({ ...named, path: each, how: 'mounted' }, depth + 1);
    }
  };

  const attemptVisit = async (file: UsedFile, depth: number): Promise<void> => {
    try {
      await visit(file, depth);
    } catch (error) {
      if (!isRecoveryError(error)) throw error;
      // What only lies in a mounted directory may be anything; what is named is needed.
      if (file.how === 'named') problems.push(error);
    }
  };

  for (const file of files) await attemptVisit(file, 0);
  return { texts, missing, problems };
}

/** `/etc/nginx/conf.d/*.conf`: a pattern in the last segment. */
async function expandPattern(pattern: HostPath, host: Pick<Host, 'list'>): Promise<readonly HostPath[]> {
  const directory = parentPath(pattern);
  if (directory.includes('*')) return [];
  const [start = '', end = ''] = baseName(pattern).split('*', 2);
  const names = (await host.list(directory)) ?? [];
  const matching = names.filter((name) => name.startsWith(start) && name.endsWith(end) && !name.startsWith('.'));
  return matching.slice(0, MAX_ENTRIES).map((name) => joinPath(directory, name));
}

function tooMany({ path, user }: UsedFile): PkiError {
  return new PkiError({
    code: 'PKI_CERTIFICATE_UNKNOWN',
    message: `${user} uses more files than are searched for certificates`,
    subject: path,
    hint: 'check the certificates of this directory with `kube-rescue certs inspect FILE`',
  });
}
