import { hostPath } from '@kube-rescue/host';
import type { ZoneWriteTest } from '@kube-rescue/ingress-dns';
import { callerEnvironment, ingressDns, type Session } from '../wiring.ts';

/**
 * Opens the test of `--write-test`. Its journal is in the state directory of the operator, because it records changes to an AWS
 * account, not to this node.
 */
export async function openWriteTest({ localFiles, clock, interruption }: Session): Promise<ZoneWriteTest> {
  const [{ createZoneWriteTest }, { openRunStore }] = await Promise.all([
    ingressDns(),
    import('@kube-rescue/workflow'),
  ]);
  const { XDG_STATE_HOME, HOME = '/root' } = callerEnvironment();
  const stateDirectory = (XDG_STATE_HOME ?? '') === '' ? `${HOME}/.local/state` : XDG_STATE_HOME;
  const store = openRunStore(localFiles.journalHost, hostPath(`${stateDirectory}/kube-rescue/dns-write-tests/runs`));
  return createZoneWriteTest({ host: localFiles.host, clock, store, signal: interruption.signal });
}
