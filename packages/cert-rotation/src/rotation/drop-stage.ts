import { type Change, readBefore, type Step, type StepId } from '@kube-rescue/workflow';
import { createStageStep, type RotationContext, type RotationFinding } from './rotation-file-step.ts';
import { planEdits, refuse, toEdit, verifyNewCa } from './stage-edits.ts';
import { stageStepIds } from './stage-options.ts';
import { dropExchangesOf, planTrustEdits } from './trust-exchange.ts';

/** Trusts the new authority alone in every file of this node. */
export function createDropStageStep(
  { requires }: { readonly requires: readonly StepId[] },
  context: RotationContext,
): Step<RotationFinding> {
  const { ca, host } = context;
  const ids = stageStepIds(ca);
  return createStageStep(
    {
      id: ids.drop,
      title: 'stop trusting the old CA on this node',
      requires,
      look: async (state, input) => {
        if (state.stage === 'trust') return { waitsFor: [ids.issue], reason: 'the old CA signs still' };
        if (state.stage === 'settled') return { done: 'this node trusts one CA of that name' };
        const edits = await planTrustEdits(dropExchangesOf(state), state, input, host);
        return {
          needed: `the former ${state.entry.definition.name.replace(/^the /, '')} is to be trusted no more`,
          evidence: edits.map(({ path }) => `dropped from ${path}`),
          changes: await planEdits(edits, host),
          makeEdits: async () => edits.map(toEdit),
        };
      },
      verify: async (state) =>
        state.stage === 'settled'
          ? verifyNewCa(state.current.certificate, `${state.files.certificate}: one CA is left,`)
          : refuse('the old CA is trusted still', state),
    },
    context,
  );
}

/** Removes what kube-controller-manager signed with apart, once no flag names it any more. */
export function createTidyStep(
  { requires }: { readonly requires: readonly StepId[] },
  context: RotationContext,
): Step<RotationFinding> {
  const { ca, host } = context;
  const ids = stageStepIds(ca);
  return createStageStep(
    {
      id: ids.tidy,
      title: 'remove the file that was signed with apart',
      requires,
      look: async ({ stage, files, isSigningApart }) => {
        const path = files.signing;
        if (path === undefined || (await host.stat(path)) === undefined) return { done: 'there is none' };
        if (stage !== 'settled' || isSigningApart) return { waitsFor: requires, reason: `${path} is in use` };
        const changes: readonly Change[] = [
          { kind: 'file.remove', target: path, before: await readBefore(host, path) },
        ];
        return { needed: `${path} is of no use any more`, evidence: [], changes, makeEdits: async () => [] };
      },
      verify: async (state) => {
        const { signing } = state.files;
        const isThere = signing !== undefined && (await host.stat(signing)) !== undefined;
        return isThere ? refuse(`${signing} is still there`, state) : { verified: true, evidence: ['it is gone'] };
      },
    },
    context,
  );
}
