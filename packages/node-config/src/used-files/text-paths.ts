import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { pathsIn } from './used-file.ts';

/** A path in a configuration file, with the words before it on its line. */
export interface PathInText {
  readonly path: HostPath;
  /** For example `ssl_certificate`. */
  readonly through: string;
  /** A last segment with `*`, of an `include`. */
  readonly isPattern: boolean;
}

/** Credentials by the end of their name, and what a configuration includes. */
const CREDENTIAL = /(?:\.(?:pem|crt|cer|cert|key|pub|kubeconfig|conf|ya?ml|json)|kubeconfig|\/\*[^/]*|-bundle)$/i;
/** Words before a path that make it one of a credential, or of a directory with CAs (WebhookAdmissionConfiguration), whatever its name. */
const CREDENTIAL_WORD = /(?:cert|crt|key|ca-?file|cafile|ca_file|kubeconfig|tls|ssl|pem|staticManifestsDir)/i;
const COMMENT = /^\s*(?:#|;|\/\/)/;

/**
 * The paths of credentials and included files in a configuration of any format: absolute ones, and those of HAProxy that are
 * relative to its `crt-base` and `ca-base`. Comments do not count.
 */
export function findPathsInText(text: string): readonly PathInText[] {
  const lines = text.split(/\r?\n/).filter((line) => !COMMENT.test(line));
  const bases = lines.flatMap((line) => /^\s*(crt|ca)-base\s+(\/\S+)/.exec(line)?.slice(1, 3) ?? []);
  const baseOf = (kind: string): string | undefined => bases[bases.indexOf(kind) + 1];
  return lines.flatMap((line) => {
    if (/^\s*(?:crt|ca)-base\s/.test(line)) return [];
    const absolute = pathsIn(line).filter((path) => CREDENTIAL.test(path) || CREDENTIAL_WORD.test(before(line, path)));
    const relative = [...line.matchAll(/\b(crt|ca)(?:-file)?\s+([\w.-]+)(?=\s|$)/g)].flatMap(
      ([, kind = '', name = '']) => {
        const base = baseOf(kind);
        return base === undefined || !bases.includes(kind) ? [] : [joinPath(hostPath(base), name)];
      },
    );
    return [...absolute, ...relative].map((path) => ({
      path,
      through: /([A-Za-z][\w-]*)\W*$/.exec(before(line, path))?.[1] ?? 'a line',
      isPattern: path.includes('*'),
    }));
  });
}

/** A relative path is not in its line as it is. */
function before(line: string, path: string): string {
  return line.slice(0, Math.max(0, line.indexOf(path)));
}
