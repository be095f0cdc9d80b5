import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { OpenNode, Worker } from '@kube-rescue/node-join';
import type { RunStore } from '@kube-rescue/workflow';
import type { EtcdSearch, Node, ObjectsVia } from '@kube-rescue/node';
import type { CredentialOptions } from './credentials.ts';

/** A worker that is to be brought back, as a person names it; its Node and its files are found out. */
export type WorkerTarget = Pick<Worker, 'access' | 'kubeletService'>;

export interface SelfHostedOptions extends CredentialOptions {
  /** How objects are changed while the API server is dead. Default: `etcd`. */
  readonly via?: ObjectsVia | undefined;
  /** How etcd is looked for. Default: by the files and flags of this node. */
  readonly search?: EtcdSearch | undefined;
  /** Workers that are brought back over SSH; for the others a folder is written that a person carries there. Default: none. */
  readonly workers?: readonly WorkerTarget[] | undefined;
}

/** The node, and what is needed beyond it. */
export interface SelfHostedDeps extends Node {
  readonly openNode: OpenNode;
  /** The runs of this host, for what it was like before them. */
  readonly runs: Pick<RunStore, 'list' | 'open'>;
}

/** The two ways to the objects: the one that is chosen for the dead, and the API server that is back. */
export interface ObjectSources {
  readonly offline: ObjectAccess;
  readonly api: ObjectAccess;
}

/** What phases of one recovery tell each other. */
export interface Course {
  /** When service accounts were handed another CA by this recovery; `undefined` when they were not. */
  publishedAt: Date | undefined;
}

export function openSources(
  { via = 'etcd', search = {} }: SelfHostedOptions,
  { objects }: Pick<Node, 'objects'>,
): ObjectSources {
  return { offline: objects.access({ via, search }), api: objects.access({ via: 'api', search }) };
}
