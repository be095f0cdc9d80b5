export {
  type EncryptionConfiguration,
  type EncryptionKey,
  type EncryptionProvider,
  type KmsProvider,
  parseEncryptionConfiguration,
} from './encryption-configuration.ts';
export { createEtcdObjectStore, type EtcdObjectStoreOptions } from './etcd-object-store.ts';
export { DEFAULT_ETCD_PREFIX, objectKey } from './key-layout.ts';
