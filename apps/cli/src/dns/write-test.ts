import { hostPath } from '@kube-rescue/host';
import type { ZoneWriteTest } from '@kube-rescue/ingress-dns';
import { callerEnvironment, ingressDns, type Session } from '../wiring.ts';

/**
 * The test that `--write-test` asks for. Its journal is the caller's own, because it is about their AWS account and not about
 * this node.
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
