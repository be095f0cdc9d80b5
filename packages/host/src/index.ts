export type { Clock } from './clock.ts';
export { type ContainerLog, POD_LOGS, readContainerLog, readLogTail } from './container-log.ts';
export { HOST_ERRORS, HostError, type HostErrorCode } from './errors.ts';
export type {
  DnsAnswer,
  DnsQuery,
  DnsRecord,
  DnsRecordType,
  EntryState,
  ExecOptions,
  ExecResult,
  FileMode,
  FileStat,
  Host,
  HostFiles,
  HostLock,
  HttpAnswer,
  HttpProbe,
  ProcessInfo,
  ProcessSelection,
  ProgramFile,
  ServiceAction,
  ServiceControl,
  ServiceState,
  TcpTarget,
  UnixTarget,
  WriteOptions,
} from './host.ts';
export { baseName, type HostPath, hostPath, joinPath, parentPath } from './host-path.ts';
export {
  containsNetwork,
  formatFirstHost,
  formatNetwork,
  type IpNetwork,
  isIpAddress,
  parseNetwork,
} from './ip-network.ts';
export type { AttributeLoss, OnAttributesLost } from './kept-attributes.ts';
export { preventCoreDumps } from './local/local-core-dumps.ts';
export { copyOnly } from './copy-only.ts';
export { runInForeground } from './local/local-foreground.ts';
export { showInPager } from './local/local-pager.ts';
export { isLiveRoot } from './local/live-root.ts';
export { createLocalHost, type LocalHostOptions } from './local/local-host.ts';
export { createReadCache, type ReadCache } from './read-cache.ts';
export { measureSilence } from './silence.ts';
export { shellLine } from './ssh/shell-line.ts';
export { createSshHost, type SshHost, type SshHostOptions } from './ssh/ssh-host.ts';
export type { SshJump } from './ssh/ssh-target.ts';
export { assertTrusted, findForeignWriter, type ForeignWriter, type TrustHost } from './trust/path-trust.ts';
export { guardHost, type GuardOptions, withInputs } from './trust/guarded-host.ts';
export { systemClock } from './system-clock.ts';
export { readTreeOneByOne } from './tree-read.ts';
export type { TreeEntry, TreeLimits, TreeSnapshot } from './tree-snapshot.ts';
export { replacedPathOf, temporaryPathOf } from './temporary-path.ts';
export { isSelected } from './process-selection.ts';
