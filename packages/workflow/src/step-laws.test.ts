import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, stepLaws, treeOf } from '@kube-rescue/testing';
import { type FileReplace, describeReplacement, type Finding, type Playbook, type Step } from './index.ts';

const KEY = hostPath('/etc/demo/key');
const LINK = hostPath('/etc/demo/current');
const WATCHED = hostPath('/etc/demo/manifests/pod.yaml');

interface DemoFinding extends Finding {
  readonly replacements: readonly FileReplace[];
}

/** Replaces files whose text is not yet `new`, as one unit. */
function replaceStep(host: Host, id: string, targets: readonly string[], watched: boolean): Step<DemoFinding> {
  const isNew = async (target: string): Promise<boolean> =>
    Buffer.from((await host.readFile(hostPath(target))) ?? []).toString() === 'new';
  return {
    id,
    title: `replace ${id}`,
    requires: [],
    reversible: 'yes',
    check: async () => {
      const replacements = [];
      for (const target of targets) {
        if (await isNew(target)) continue;
        replacements.push(
          await describeReplacement(host, { target, after: 'generated', fallbackMode: 0o600, watched }),
        );
      }
      const status = replacements.length === 0 ? 'ok' : 'needed';
      return { status, summary: `${replacements.length} old files`, evidence: [], replacements };
    },
    plan: ({ replacements }) => replacements,
    apply: (changes, journal) => journal.perform(changes.map((change) => ({ change, material: Buffer.from('new') }))),
    verify: async () => {
      for (const target of targets) if (!(await isNew(target))) return { verified: false, reason: `${target} is old` };
      return { verified: true, evidence: [] };
    },
  };
}

function linkStep(host: Host): Step {
  return {
    id: 'link',
    title: 'point the link at the new file',
    requires: [],
    reversible: 'yes',
    check: async () => {
      const isNew = (await host.readLink(LINK)) === 'new';
      return { status: isNew ? 'ok' : 'needed', summary: 'the link', evidence: [] };
    },
    plan: () => [{ kind: 'symlink.replace', target: LINK, before: 'link:old', after: 'new' }],
    apply: (changes, journal) => journal.perform(changes.map((change) => ({ change }))),
    verify: async () => ({ verified: true, evidence: [] }),
  };
}

function demoPlaybook(host: Host): Playbook {
  return {
    id: 'demo',
    title: 'Demo',
    phases: [
      {
        id: 'pair',
        title: 'Pair',
        steps: async () => [replaceStep(host, 'pair', [KEY, '/etc/demo/certificate'], false)],
      },
      { id: 'rest', title: 'Rest', steps: async () => [linkStep(host), replaceStep(host, 'pod', [WATCHED], true)] },
    ],
  };
}

stepLaws('files, links and watched directories', () => ({
  clock: createFixedClock('2026-11-22T12:00:00Z'),
  directories: [hostPath('/etc')],
  makePlaybook: demoPlaybook,
  makeHost: async () => {
    const host = createFakeHost({ tree: treeOf({ [KEY]: 'old', [WATCHED]: 'old' }) });
    await host.writeLink(LINK, 'old');
    return host;
  },
}));
