import { type Change, readBefore, type Step, type StepId } from '@kube-rescue/workflow';
import { createStageStep, type RotationContext, type RotationFinding } from './rotation-file-step.ts';
import { blockedBy, planEdits, refuse, toEdit, verifyNewCa } from './stage-edits.ts';
import { stageStepIds } from './stage-options.ts';
import { dropExchangesOf, findUneditable, planTrustEdits } from './trust-exchange.ts';

/** Removes the old CA from every file of this node. */
export function createDropStageStep(
  { requires }: { readonly requires: readonly StepId[] },
  context: RotationContext,
): Step<RotationFinding> {
  const { ca, host } = context;
  const ids = stageStepIds(ca);
  return createStageStep(
    {
      id: ids.drop,
      title: 'remove trust in the old CA on this node',
      requires,
      inspect: async (state, input) => {
        if (state.stage === 'trust') return { waitsFor: [ids.issue], reason: 'the old CA still signs' };
        if (state.stage === 'settled') return { done: 'this node trusts one CA of this name' };
        const uneditable = await findUneditable(state.former, state, input, host);
        if (uneditable !== undefined) return blockedBy(uneditable);
        const edits = await planTrustEdits(dropExchangesOf(state), state, input, host);
        return {
          needed: `the former ${state.entry.definition.name} is still trusted`,
          evidence: edits.map(({ path }) => `removed from ${path}`),
          changes: await planEdits(edits, host),
          makeEdits: async () => edits.map(toEdit),
        };
      },
      verify: async (state) =>
        state.stage === 'settled'
          ? verifyNewCa(state.current.certificate, `${state.files.certificate}: only the new CA is trusted,`)
          : refuse('the old CA is still trusted', state),
    },
    context,
  );
}

/** Removes the separate signing file of kube-controller-manager, once no flag names it. */
export function createTidyStep(
  { requires }: { readonly requires: readonly StepId[] },
  context: RotationContext,
): Step<RotationFinding> {
  const { ca, host } = context;
  const ids = stageStepIds(ca);
  return createStageStep(
    {
      id: ids.tidy,
      title: 'remove the separate signing file',
      requires,
      inspect: async ({ stage, files, isSigningApart }) => {
        const path = files.signing;
        if (path === undefined || (await host.stat(path)) === undefined)
          return { done: 'there is no separate signing file' };
        if (stage !== 'settled' || isSigningApart) return { waitsFor: requires, reason: `${path} is in use` };
        const changes: readonly Change[] = [
          { kind: 'file.remove', target: path, before: await readBefore(host, path) },
        ];
        return { needed: `${path} is no longer used`, evidence: [], changes, makeEdits: async () => [] };
      },
      verify: async (state) => {
        const { signing } = state.files;
        const isThere = signing !== undefined && (await host.stat(signing)) !== undefined;
        return isThere
          ? refuse(`${signing} still exists`, state)
          : { verified: true, evidence: ['the separate signing file is removed'] };
      },
    },
    context,
  );
}
