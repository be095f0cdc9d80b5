import type { Host } from '@kube-rescue/host';
import type { ChangeKind } from '../plan/change.ts';
import { fileRemoveKind, fileReplaceKind, linkReplaceKind } from './file-kinds.ts';
import { serviceRestartKind } from './service-kind.ts';

/** The change kinds for files, links and services of a host. */
export function hostChangeKinds(host: Host): readonly ChangeKind[] {
  return [fileReplaceKind(host), fileRemoveKind(host), linkReplaceKind(host), serviceRestartKind(host)];
}
