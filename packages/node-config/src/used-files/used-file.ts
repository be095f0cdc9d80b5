import { type HostPath, hostPath } from '@kube-rescue/host';

/** A file that a program of this node uses, beside those that the catalogue of certificates knows. */
export interface UsedFile {
  /** On the host; a file or a directory. */
  readonly path: HostPath;
  /** For messages: `static pod haproxy`, `haproxy.service`, `kube-apiserver`. */
  readonly user: string;
  /** For messages: `--tls-cert`, `volume certs`, `ExecStart`. */
  readonly through: string;
  /** `named`: a flag, a variable or a configuration file names it. `mounted`: a volume carries it into the pod. */
  readonly how: 'named' | 'mounted';
  /** The private key that is named beside the certificate. */
  readonly key?: HostPath | undefined;
  /** Server names that clients ask for this certificate: those of `--tls-sni-cert-key`. */
  readonly serverNames?: readonly string[] | undefined;
  /** Finds a path of the program's filesystem on the host; `undefined` when only the image has it. */
  readonly toHost: (path: HostPath) => HostPath | undefined;
}

/** A word of a command line, or the value of a variable, with its name. */
export interface NamedWord {
  readonly through: string;
  readonly value: string;
}

/** Ends of a path in a value: lists, pairs with server names, quotes of scripts. */
const BETWEEN = /[\s,;:="'`()[\]{}|<>]+/;
/** Programs, devices, sockets and the files of the kernel. */
const NO_FILE_OF_OURS = /^\/(?:dev|proc|sys|run|tmp|bin|sbin|usr\/(?:local\/)?s?bin)(?:\/|$)|\.sock(?:et)?$/;

/** The absolute paths in a value, without programs, devices and sockets. */
export function pathsIn(value: string): readonly HostPath[] {
  return value
    .split(BETWEEN)
    .filter((part) => /^\/[^/]/.test(part) && !NO_FILE_OF_OURS.test(part))
    .map(hostPath);
}

/** The words of a command line after its program, each under the flag before it. */
export function wordsOf(words: readonly string[], fallback: string): readonly NamedWord[] {
  let flag = fallback;
  return words.map((word) => {
    const [, name, value] = /^(-{1,2}[A-Za-z][\w.-]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (name === undefined) {
      const through = flag;
      flag = fallback;
      return { through, value: word };
    }
    flag = value === undefined ? name : fallback;
    return { through: name, value: value ?? '' };
  });
}

type Place = Pick<UsedFile, 'user' | 'toHost'>;

/** Names of a certificate's flag, and of its key's: `tls-cert-file`, `client-certificate`, `server-cert`, `ssl_certificate`. */
const CERTIFICATE = /(?:certificate|cert|crt)/;
const KEY_NAMES = ['key', 'private-key', 'privatekey', 'keyfile'];

/** The files that words name, each certificate with the key that is named beside it. */
export function filesOfWords(words: readonly NamedWord[], { user, toHost }: Place): readonly UsedFile[] {
  const located = words.flatMap(({ through, value }) =>
    pathsIn(value).flatMap((path, index) => {
      const found = toHost(path);
      return found === undefined ? [] : [{ through, value, index, path: found }];
    }),
  );
  return located.map(({ through, value, index, path }) => {
    const isPairList = /(?:^|-)cert-key$/.test(through);
    const key = isPairList
      ? located.find((each) => each.through === through && each.value === value && each.index === index + 1)
      : located.find((each) => CERTIFICATE.test(through) && keyFlagsOf(through).includes(each.through));
    const isCertificate = !isPairList || index % 2 === 0;
    return {
      ...{ path, user, toHost, through, how: 'named' as const },
      key: isCertificate ? key?.path : undefined,
      serverNames: isPairList && isCertificate ? serverNamesIn(value) : undefined,
    };
  });
}

function keyFlagsOf(flag: string): readonly string[] {
  return KEY_NAMES.map((name) => flag.replace(CERTIFICATE, name));
}

/** `--tls-sni-cert-key=CERT,KEY:NAME,NAME`. */
function serverNamesIn(value: string): readonly string[] {
  const [, names = ''] = value.split(':');
  return names.split(',').filter((name) => name !== '' && !name.startsWith('/'));
}
