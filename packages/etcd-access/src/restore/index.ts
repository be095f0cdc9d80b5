export { caKeysIn, type ClusterIdentity, identityKeys, readClusterIdentity } from './cluster-identity.ts';
export { createDataRestoreKind, type DataRestore } from './data-restore-kind.ts';
export { isRestoredBy, readRestoreMark, type RestoreMark } from './restore-mark.ts';
export { findRestoreTool, type RestoreTool } from './restore-tool.ts';
export { inspectSnapshotFile, type SnapshotFile } from './snapshot-file.ts';
export { restoreSnapshot, type SnapshotRestore } from './snapshot-restore.ts';
