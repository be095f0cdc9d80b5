import type { FileSnapshot, Proof } from '@kube-rescue/lab';
import type { RescueAnswer } from '../rescue-command.ts';

/** Prefixes the names of proofs with their kind: `death: nothing listens on 6443`. */
export function nameProofs(kind: string, proofs: readonly Proof[]): readonly Proof[] {
  return proofs.map((proof) => ({ ...proof, name: `${kind}: ${proof.name}` }));
}

/**
 * Proves the success of a `kube-rescue` command by its exit status and its envelope.
 * @param expected the exit status; default: 0
 */
export function proveAnswer(name: string, answer: Omit<RescueAnswer, 'output'>, outcome?: string, expected = 0): Proof {
  const { exitCode, envelope, lastWords } = answer;
  if (envelope === undefined) return { name, ok: false, detail: `exit ${exitCode}: ${lastWords}` };
  if (!envelope.ok) {
    return {
      name,
      ok: false,
      detail: `exit ${exitCode}: ${envelope.error.message ?? ''} (${envelope.error.code ?? ''})`,
    };
  }
  const result = envelope.result as { readonly outcome?: unknown };
  const told = typeof result.outcome === 'string' ? `, ${result.outcome}` : '';
  return {
    name,
    ok: exitCode === expected && (outcome === undefined || result.outcome === outcome),
    detail: `exit ${exitCode}${told}`,
  };
}

/** The kubelet replaces its serving certificate itself, with one that it requests from the cluster. */
const OF_THE_KUBELET = /\/kubelet-server-[^/]+\.pem$/;

/** Proves that two snapshots of files or objects are equal, but for the files that the kubelet itself has replaced. */
export function proveSameFiles(name: string, before: FileSnapshot, after: FileSnapshot): Proof {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  const differing = [...paths].filter((path) => before[path] !== after[path] && !OF_THE_KUBELET.test(path)).toSorted();
  const detail = differing.length === 0 ? `all ${paths.size} are as before` : `differ: ${differing.join(', ')}`;
  return { name, ok: differing.length === 0 && paths.size > 0, detail };
}
