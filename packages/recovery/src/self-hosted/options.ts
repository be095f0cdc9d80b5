import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { OpenNode, Worker } from '@kube-rescue/node-join';
import type { RunStore } from '@kube-rescue/workflow';
import type { EtcdSearch, Node, ObjectsVia } from '@kube-rescue/node';
import type { LockWatch } from '@kube-rescue/pod-bootstrap';
import { whenAnswering } from '../objects/answering-objects.ts';
import type { CredentialOptions } from './credentials.ts';

/** A worker to rejoin, as the operator names it; its Node and files are looked up. */
export type WorkerTarget = Pick<Worker, 'access' | 'kubeletService'>;

export interface SelfHostedOptions extends CredentialOptions {
  /** The object source while the API server is down. Default: `etcd`. */
  readonly via?: ObjectsVia | undefined;
  /** How etcd is searched for. Default: by the files and flags of this node. */
  readonly search?: EtcdSearch | undefined;
  /** Workers to rejoin over SSH; the others get a bundle that the operator copies there. Default: none. */
  readonly workers?: readonly WorkerTarget[] | undefined;
}

/** The node, and the other dependencies. */
export interface SelfHostedDeps extends Node {
  readonly openNode: OpenNode;
  /** The runs of this host, for the node's state before them. */
  readonly runs: Pick<RunStore, 'list' | 'open'>;
}

/** The two object sources: one for the outage, and the API server after it. */
export interface ObjectSources {
  readonly offline: ObjectAccess;
  readonly api: ObjectAccess;
}

/** State shared by the phases of one recovery. */
export interface Course {
  /** When service accounts got the present CA, or a time before that; `undefined` while nothing tells. */
  publishedAt: Date | undefined;
  /** Since when leader locks have not been renewed. */
  readonly locks: LockWatch;
}

export function openSources(
  { via = 'etcd', search = {} }: SelfHostedOptions,
  node: Pick<Node, 'objects' | 'api'>,
): ObjectSources {
  const { objects } = node;
  return { offline: objects.access({ via, search }), api: whenAnswering(objects.access({ via: 'api', search }), node) };
}
