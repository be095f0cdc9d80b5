import type { Proof } from '@kube-rescue/lab';
import { DrillError } from '../errors.ts';
import type { KubeadmRehearsal } from '../kubeadm-rehearsal.ts';
import { proveAnswer } from '../proofs/proofs.ts';
import { type RescueAnswer, runRescue } from '../rescue-command.ts';

/** On each node; the home directory of its operator. */
const DIRECTORY = '/home/core/cas';
const TIMEOUT_MS = 60_000;

/**
 * Issues the expired CAs once, on the first node, and copies the directory to the others, as `scp -r` would. Proves that a recovery
 * without it is refused, and that the directory holds no key.
 *
 * @returns the flags of a recovery with it, and the proofs
 * @throws DrillError `DRILL_PROGRAM_UNUSABLE` where it cannot be copied
 */
export async function carryCas(
  rehearsal: KubeadmRehearsal,
): Promise<{ readonly flags: readonly string[]; readonly proofs: readonly Proof[] }> {
  const { cluster, lab, deps, onLine, program } = rehearsal;
  const onFirst = (...args: readonly string[]): Promise<RescueAnswer> =>
    runRescue(cluster, args, { host: deps.host, signal: deps.signal, onLine, program });
  const refusal = proveRefusal(await onFirst('recover', '--yes'));
  const issued = await onFirst('certs', 'reissue-cas', '--out', DIRECTORY);
  const from = lab.nodeFile(cluster.node, DIRECTORY);
  const exec = async (...argv: readonly [string, ...string[]]): Promise<string> => {
    const { exitCode, stdout, stderr } = await deps.host.exec(argv, { timeoutMs: TIMEOUT_MS, signal: deps.signal });
    if (exitCode === 0) return stdout;
    const hint = 'read the output of certs reissue-cas above';
    throw new DrillError({ code: 'DRILL_PROGRAM_UNUSABLE', message: stderr.trim(), subject: from, hint });
  };
  const proofs = [refusal, proveAnswer('kube-rescue certs reissue-cas issues every CA once', issued)];
  if (proofs.some(({ ok }) => !ok)) return { flags: [], proofs };
  for (const { node } of cluster.controlPlanes.slice(1)) await exec('cp', '-r', from, lab.nodeFile(node, DIRECTORY));
  const files = await exec('find', from, '-type', 'f', '-printf', '%P %m\n');
  const keys = await exec('sh', '-c', 'grep -rlE "PRIVATE KEY" "$0" || true', from);
  const expected = ['ca.crt 644', 'etcd/ca.crt 644', 'front-proxy-ca.crt 644'];
  const found = files.trim().split('\n').toSorted();
  const isPublic = keys === '' && found.join() === expected.join();
  return {
    flags: ['--cas', DIRECTORY],
    proofs: [
      ...proofs,
      { name: 'the directory holds three certificates and no key', ok: isPublic, detail: found.join(', ') },
    ],
  };
}

/** Alone, each node would issue CAs of its own. */
function proveRefusal({ exitCode, envelope }: RescueAnswer): Proof {
  const name = 'kube-rescue recover without them is refused, and names the commands';
  if (envelope === undefined || envelope.ok) return { name, ok: false, detail: `exit ${exitCode}` };
  const { code, hint } = envelope.error;
  const ok = exitCode === 4 && code === 'LAYOUT_UNSUPPORTED' && hint?.includes('certs reissue-cas --out DIR') === true;
  return { name, ok, detail: `exit ${exitCode}: ${hint ?? ''} (${code ?? ''})` };
}
