import type { CaId } from '@kube-rescue/cert-rotation';
import type { RotationStage } from '@kube-rescue/cert-rotation/rotation';
import { toRfc3339 } from '@kube-rescue/errors';
import { type Node } from '@kube-rescue/node';
import { inspectRotationOfNode } from './rotation-input.ts';

/** The state of a CA rotation on this node; survives JSON, carries no key. */
export interface RotationReport {
  readonly ca: CaId;
  readonly stage: RotationStage;
  /** The next stage; `null` when no rotation is under way. */
  readonly next: 'issue' | 'drop' | null;
  readonly file: string;
  readonly certificates: readonly {
    readonly role: 'signs' | 'trusted, to sign next' | 'trusted still';
    readonly serial: string;
    /** RFC 3339. */
    readonly notAfter: string;
  }[];
}

/**
 * Reports the stage of a CA rotation by the files of the CA. Reads only.
 *
 * @throws PkiError as `inspectRotation`; NodeErrors
 */
export async function reportRotation(node: Node, options: { readonly ca: CaId }): Promise<RotationReport> {
  const { state } = await inspectRotationOfNode(options, node);
  const { stage, current, next, former, files, isSigningApart } = state;
  const row = (
    role: RotationReport['certificates'][number]['role'],
    { x509, notAfter }: typeof current.certificate,
  ) => ({
    role,
    serial: x509.serialNumber,
    notAfter: toRfc3339(notAfter),
  });
  const isDropUnderWay = stage === 'issue' || isSigningApart;
  return {
    ca: options.ca,
    stage,
    next: stage === 'trust' ? 'issue' : isDropUnderWay ? 'drop' : null,
    file: files.certificate,
    certificates: [
      row('signs', current.certificate),
      ...(next === undefined ? [] : [row('trusted, to sign next', next.certificate)]),
      ...former.map((certificate) => row('trusted still', certificate)),
    ],
  };
}
