import type { HostPath } from '@kube-rescue/host';
import { readBefore, type Step } from '@kube-rescue/workflow';
import { encodePem, isSameCertificate } from '@kube-rescue/x509';
import { planFileChange } from '../renewal/file-target.ts';
import { createStageStep, type RotationContext, type RotationFinding } from './rotation-file-step.ts';
import { CERTIFICATE_MODE, editOf, refuse, verifyNewCa } from './stage-edits.ts';
import { type RotationStepOptions, stageStepIds } from './stage-options.ts';

/** Lets the new authority sign: its key takes the place of the old one's, which stays in the backup of the run only. */
export function createIssueStageStep(
  context: RotationContext,
  { mayBegin = true }: Pick<RotationStepOptions, 'mayBegin'> = {},
): Step<RotationFinding> {
  const { ca, host } = context;
  const ids = stageStepIds(ca);
  return createStageStep(
    {
      id: ids.issue,
      title: 'let the new CA sign',
      requires: [ids.trust],
      look: async (state) => {
        const { stage, next, current, files, entry } = state;
        if (stage === 'issue') return { done: 'the new CA signs already' };
        if (stage === 'settled' && !mayBegin) return { done: 'no rotation is under way' };
        if (next === undefined) return { waitsFor: [ids.trust], reason: 'there is no new CA yet that could sign' };
        const pair = [next.certificate, current.certificate];
        const others = (entry.bundle.ok ? entry.bundle.value : []).filter(
          (other) => !pair.some((each) => isSameCertificate(each, other)),
        );
        const text = [...pair, ...others].map(({ der }) => encodePem('CERTIFICATE', der)).join('');
        const apart = files.signing;
        const change = async (path: HostPath, mode?: number) => planFileChange(path, host, mode);
        return {
          needed: `${entry.definition.name} with the new key is to sign from now on`,
          evidence: [`the old key stays in the backup of this run, and nowhere else`],
          changes: [
            ...(apart === undefined ? [] : [await change(apart, CERTIFICATE_MODE)]),
            await change(files.certificate),
            await change(files.key),
            { kind: 'file.remove', target: files.nextKey, before: await readBefore(host, files.nextKey) },
          ],
          makeEdits: async () => [
            ...(apart === undefined ? [] : [editOf(apart, encodePem('CERTIFICATE', next.certificate.der))]),
            editOf(files.certificate, text),
            { change: await change(files.key), material: (await host.readFile(files.nextKey)) ?? new Uint8Array() },
          ],
        };
      },
      verify: async (state) =>
        state.stage === 'issue' && (await host.stat(state.files.nextKey)) === undefined
          ? verifyNewCa(
              state.current.certificate,
              `${state.files.key}: the key that signs is the new one, whose certificate is`,
            )
          : refuse('the new CA does not sign', state),
    },
    context,
  );
}
