import { componentFlags } from '../components/component-flags.ts';
import { hostPathOf, type StaticContainer, type StaticPod } from '../static-pods/static-pod.ts';
import { filesOfWords, type UsedFile, wordsOf } from './used-file.ts';

/**
 * The files of the host that a static pod names or mounts: in its command lines, in its variables, and as volumes. Of the
 * container of a component it returns nothing: its flags name all that it reads (`filesOfComponents`).
 */
export function filesOfPod(pod: StaticPod): readonly UsedFile[] {
  const isComponentPod = componentFlags(pod) !== undefined;
  const others = pod.containers.filter((container) => !isComponentPod || container !== pod.main);
  return [...others, ...pod.initContainers].flatMap((container) =>
    filesOfContainer(container, `static pod ${pod.name}`),
  );
}

function filesOfContainer(container: StaticContainer, user: string): readonly UsedFile[] {
  const toHost: UsedFile['toHost'] = (path) => hostPathOf(container, path);
  const words = [
    ...wordsOf([...container.command, ...container.args], 'its command line'),
    ...[...(container.environment ?? [])].map(([name, value]) => ({ through: `the variable ${name}`, value })),
  ];
  const mounted = container.mounts.flatMap(({ hostPath: path, volume }): readonly UsedFile[] =>
    path === undefined ? [] : [{ path, user, through: `volume ${volume ?? path}`, how: 'mounted', toHost }],
  );
  return [...filesOfWords(words, { user, toHost }), ...mounted];
}
