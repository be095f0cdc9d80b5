import { type GoMap, type GoValue, YamlFault } from './go-yaml.ts';
import { fieldIn, itemsOf, textIn } from './kubeconfig-shape.ts';

/** The cluster and the user of one context, with their positions in their lists. */
export interface Context {
  readonly cluster: GoValue | undefined;
  readonly user: GoValue | undefined;
  /** Empty when the context names no user. */
  readonly userName: string;
  /** -1 when the context names no user of the file: it is anonymous. */
  readonly userIndex: number;
}

function resolve(root: GoMap, context: GoValue | undefined): Context {
  const position = (list: 'clusters' | 'users', name: string): number =>
    itemsOf(root, list).findIndex((entry) => textIn(entry, 'name') === name);
  const clusterName = textIn(context, 'cluster');
  const cluster = itemsOf(root, 'clusters')[position('clusters', clusterName)];
  if (cluster === undefined) throw new YamlFault(`clusters has no entry "${clusterName}"`);
  const userName = textIn(context, 'user');
  const userIndex = position('users', userName);
  // client-go goes on as an anonymous user, which no component can use.
  if (userIndex === -1 && userName !== '') throw new YamlFault(`users has no entry "${userName}"`);
  return {
    cluster: fieldIn(cluster, 'cluster'),
    user: fieldIn(itemsOf(root, 'users')[userIndex], 'user'),
    userName,
    userIndex,
  };
}

/**
 * The context that client-go takes: the one that `current-context` names, and without `current-context` the one without a
 * name, as bootkube and Tectonic write it. Without any, the cluster without a name is taken by an anonymous user.
 *
 * @throws YamlFault
 */
export function currentContext(root: GoMap): Context {
  const name = textIn(root, 'current-context');
  const entry = itemsOf(root, 'contexts').find((each) => textIn(each, 'name') === name);
  if (entry === undefined && name !== '') throw new YamlFault(`contexts has no entry "${name}"`);
  const isUnnamed = itemsOf(root, 'clusters').some((each) => textIn(each, 'name') === '');
  if (entry === undefined && !isUnnamed) {
    throw new YamlFault('current-context is missing, and no context is without a name');
  }
  return resolve(root, fieldIn(entry, 'context'));
}

/** Every context whose cluster is in the file. */
export function usableContexts(root: GoMap): readonly Context[] {
  return itemsOf(root, 'contexts').flatMap((entry) => {
    try {
      return [resolve(root, fieldIn(entry, 'context'))];
    } catch (error) {
      if (error instanceof YamlFault) return [];
      throw error;
    }
  });
}
