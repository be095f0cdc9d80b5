import type { CaId, RotationStage } from '@kube-rescue/cert-rotation';
import { type Node } from '@kube-rescue/node';
import { inspectRotationOfNode } from './rotation-input.ts';

/** How far the rotation of an authority has come on this node; survives JSON, carries no key. */
export interface RotationReport {
  readonly ca: CaId;
  readonly stage: RotationStage;
  /** What comes next; `null` when no rotation is under way. */
  readonly next: 'issue' | 'drop' | null;
  readonly file: string;
  readonly certificates: readonly {
    readonly role: 'signs' | 'trusted, to sign next' | 'trusted still';
    readonly serial: string;
    readonly notAfter: string;
  }[];
}

/**
 * Tells which stage the rotation of an authority is in, by what its files hold. Reads only.
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
    notAfter: notAfter.toISOString(),
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
