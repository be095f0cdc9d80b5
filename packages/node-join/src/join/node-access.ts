import { createSshHost, guardHost, type Host, type HostPath, hostPath, type OnAttributesLost } from '@kube-rescue/host';
import { JoinError } from '../errors.ts';

/**
 * The SSH connection to a worker. Plain data without secrets: each change carries it, so that a later process rolls the
 * change back over the same connection. `null` leaves it to `ssh`; see `SshTarget` of the package host.
 */
export type NodeAccess = {
  readonly address: string;
  readonly port: number | null;
  readonly user: string | null;
  readonly identityFile: string | null;
  readonly knownHostsFile: string | null;
  readonly sudo: boolean;
  readonly serviceCommand: string | null;
};

/** The part of a worker that joining needs. */
export type NodeHost = Pick<
  Host,
  | 'name'
  | 'readFile'
  | 'stat'
  | 'readLink'
  | 'freeBytes'
  | 'assertWritable'
  | 'writeFile'
  | 'writeLink'
  | 'remove'
  | 'services'
> & {
  /** The host name of the machine. */
  readonly hostname: string;
  /** Its IP addresses. */
  readonly addresses: readonly string[];
};

/** Opens a worker; the session shares the connection and closes it. */
export type OpenNode = (access: NodeAccess) => Promise<NodeHost>;

/** One connection to each worker, for the duration of a run. */
export interface NodeSession {
  readonly open: OpenNode;
  /** Ends every connection; the session can be used again. */
  close(): Promise<void>;
}

/**
 * Connects over SSH. The next call retries a failed connection. What a user of the worker other than root could have changed is
 * neither read nor written: `SOURCE_UNTRUSTED`.
 */
export function createNodeSession(
  options: { readonly onAttributesLost?: OnAttributesLost | undefined } = {},
): NodeSession {
  const opened = new Map<string, ReturnType<typeof connect>>();
  return {
    open: (access) => {
      const key = JSON.stringify(access);
      const known = opened.get(key);
      if (known !== undefined) return known;
      const host = connect(access, options.onAttributesLost);
      opened.set(key, host);
      host.catch(() => opened.delete(key));
      return host;
    },
    close: async () => {
      const hosts = [...opened.values()];
      opened.clear();
      for (const host of await Promise.allSettled(hosts)) if (host.status === 'fulfilled') await host.value.close();
    },
  };
}

/** Its files are those that the operator names, so root's own file may be in a directory with the sticky bit. */
async function connect(access: NodeAccess, onAttributesLost?: OnAttributesLost): ReturnType<typeof createSshHost> {
  const { address, port, user, identityFile, knownHostsFile, sudo, serviceCommand } = access;
  const path = (text: string | null): HostPath | undefined => (text === null ? undefined : hostPath(text));
  const host = await createSshHost({
    address,
    port: port ?? undefined,
    user: user ?? undefined,
    identityFile: path(identityFile),
    knownHostsFile: path(knownHostsFile),
    sudo,
    serviceCommand: path(serviceCommand),
    onAttributesLost: onAttributesLost && ((loss) => onAttributesLost({ ...loss, machine: address })),
  });
  return guardHost(host, { allowSticky: true });
}

/** A failure of a worker, with its name in the message. */
export function workerFailed(
  name: string,
  error: { readonly message: string; readonly hint?: string | undefined },
): JoinError {
  return new JoinError({
    code: 'JOIN_WORKER_FAILED',
    message: `${name}: ${error.message}`,
    subject: name,
    hint: error.hint ?? `check ${name}`,
    cause: error,
  });
}
