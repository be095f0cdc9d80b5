import { ObjectError } from '@kube-rescue/cluster-objects';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import type { KmsProvider } from '../objects/encryption-configuration.ts';
import { openWith, sealWith } from './data-key.ts';
import { DEK_IS_THE_SOURCE, readKmsValue, writeKmsValue } from './encrypted-object.ts';
import { createKmsCalls } from './kms-calls.ts';
import { describeProvider, unusable } from './kms-failure.ts';
import { createKmsPlugin, type KmsPlugin } from './kms-plugin.ts';

export interface KmsPluginsDeps {
  readonly host: Pick<Host, 'connectUnix'>;
  readonly clock: Pick<Clock, 'now'>;
  /** The node's path of a path of the API server; `undefined` when it is in the container only. Default: the same path. */
  readonly pathOnNode?: ((path: HostPath) => HostPath | undefined) | undefined;
}

/** A value to be encrypted or decrypted; the bytes of the stored value are those behind its prefix. */
export interface KmsRequest {
  readonly provider: KmsProvider;
  /** It is authenticated: a value cannot be moved to another key. */
  readonly etcdKey: string;
  /** The object, for messages. */
  readonly subject: string;
}

/** Values behind the KMS v2 plugins of one node. */
export interface KmsPlugins {
  /** @throws ObjectError `OBJECT_DECRYPTION_FAILED`, and as `connectKmsPlugins` */
  decrypt(stored: Uint8Array, request: KmsRequest): Promise<Uint8Array>;
  /** @param before the stored value to be replaced, when this provider has encrypted it. @throws as `connectKmsPlugins` */
  encrypt(plain: Uint8Array, before: Uint8Array | undefined, request: KmsRequest): Promise<Uint8Array>;
  /** Closes the connections and overwrites the DEKs. */
  close(): void;
}

/**
 * The KMS v2 plugins of this node, each on its own socket and connected when it is first needed.
 *
 * A DEK source is decrypted once in a session, so that values that share one cost one call. Writes use a DEK source of this session's own,
 * never that of an API server, whose nonces are a counter; it is of the type of the replaced value, otherwise a key, which every
 * version with KMS v2 reads (1.27 and later). A plugin that did not answer is not asked again for ten seconds. DEKs are overwritten at the end, but the
 * process may have copied them.
 *
 * Calls throw ObjectError `OBJECT_KMS_UNREACHABLE` `OBJECT_KMS_FAILED` `OBJECT_ENCRYPTED_KMS`, HostError `SOURCE_UNTRUSTED`.
 */
export function connectKmsPlugins({ host, clock, pathOnNode = (path) => path }: KmsPluginsDeps): KmsPlugins {
  const plugins = new Map<string, KmsPlugin>();
  const pluginOf = (provider: KmsProvider): KmsPlugin => {
    const known = plugins.get(provider.name);
    if (known !== undefined) return known;
    const { endpoint, socket } = provider;
    if (socket === undefined) throw unusable(provider, `${endpoint} is an abstract socket`);
    const path = pathOnNode(socket);
    if (path === undefined) throw unusable(provider, `${endpoint} is in the container of the API server only`);
    const plugin = createKmsPlugin(provider, createKmsCalls(provider, path, { host }), { clock });
    plugins.set(provider.name, plugin);
    return plugin;
  };
  return {
    decrypt: async (stored, { provider, etcdKey, subject }) => {
      const value = readKmsValue(stored);
      if (typeof value === 'string') throw undecryptable(provider, subject, value);
      const { plain } = await pluginOf(provider).decrypted(value.source);
      try {
        return openWith(value.source.type, plain, value.data, etcdKey);
      } catch {
        // The library's message is only about bytes.
        throw undecryptable(
          provider,
          subject,
          'it is damaged, or was written for another etcd key or with another DEK',
        );
      }
    },
    encrypt: async (plain, before, { provider, etcdKey }) => {
      const replaced = before === undefined ? undefined : readKmsValue(before);
      const type = typeof replaced === 'object' ? replaced.source.type : DEK_IS_THE_SOURCE;
      const source = await pluginOf(provider).forWriting(type);
      return writeKmsValue({ source: source.encrypted, data: sealWith(type, source.plain, plain, etcdKey) });
    },
    close: () => {
      for (const plugin of plugins.values()) plugin.close();
      plugins.clear();
    },
  };
}

function undecryptable(provider: KmsProvider, subject: string, problem: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_DECRYPTION_FAILED',
    message: `cannot decrypt the value of ${describeProvider(provider)}: ${problem}`,
    subject,
    hint: "compare with the file of the API server's --encryption-provider-config; restore the value from a snapshot if it is damaged",
  });
}
