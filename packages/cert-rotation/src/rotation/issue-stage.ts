import type { HostPath } from '@kube-rescue/host';
import { readBefore, type Step } from '@kube-rescue/workflow';
import { encodePem, isSameCertificate } from '@kube-rescue/x509';
import { planFileChange } from '../renewal/file-target.ts';
import { createStageStep, type RotationContext, type RotationFinding } from './rotation-file-step.ts';
import { CERTIFICATE_MODE, editOf, refuse, verifyNewCa } from './stage-edits.ts';
import { type RotationStepOptions, stageStepIds } from './stage-options.ts';

/** Makes the new CA sign: its key replaces the old key, which stays in the backup of the run only. */
export function createIssueStageStep(
  context: RotationContext,
  { mayBegin = true }: Pick<RotationStepOptions, 'mayBegin'> = {},
): Step<RotationFinding> {
  const { ca, host } = context;
  const ids = stageStepIds(ca);
  return createStageStep(
    {
      id: ids.issue,
      title: 'switch signing to the new CA',
      requires: [ids.trust],
      inspect: async (state) => {
        const { stage, next, current, files, entry } = state;
        if (stage === 'issue') return { done: 'the new CA signs already' };
        if (stage === 'settled' && !mayBegin) return { done: 'no rotation is under way' };
        if (next === undefined) return { waitsFor: [ids.trust], reason: 'there is no new CA to sign with' };
        const pair = [next.certificate, current.certificate];
        const others = (entry.bundle.ok ? entry.bundle.value : []).filter(
          (other) => !pair.some((each) => isSameCertificate(each, other)),
        );
        const text = [...pair, ...others].map(({ der }) => encodePem('CERTIFICATE', der)).join('');
        const { signing } = files;
        const change = async (path: HostPath, mode?: number) => planFileChange(path, host, mode);
        return {
          needed: `the ${entry.definition.name} must sign with the new key`,
          evidence: ['the old key stays only in the backup of this run'],
          changes: [
            ...(signing === undefined ? [] : [await change(signing, CERTIFICATE_MODE)]),
            await change(files.certificate),
            await change(files.key),
            { kind: 'file.remove', target: files.nextKey, before: await readBefore(host, files.nextKey) },
          ],
          makeEdits: async () => [
            ...(signing === undefined ? [] : [editOf(signing, encodePem('CERTIFICATE', next.certificate.der))]),
            editOf(files.certificate, text),
            { change: await change(files.key), material: (await host.readFile(files.nextKey)) ?? new Uint8Array() },
          ],
        };
      },
      verify: async (state) =>
        state.stage === 'issue' && (await host.stat(state.files.nextKey)) === undefined
          ? verifyNewCa(state.current.certificate, `${state.files.key}: the new CA signs,`)
          : refuse('the new CA does not sign', state),
    },
    context,
  );
}
