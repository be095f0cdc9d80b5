export {
  canonicalContent,
  canonicalJson,
  contentOf,
  CREATED_BY,
  createEdit,
  createObjectChangeKinds,
  deleteEdit,
  describeEdit,
  digestOf,
  maskObject,
  type ObjectAccess,
  type ObjectChange,
  type ObjectContent,
  type ObjectCreate,
  type ObjectDelete,
  type ObjectReplace,
  type ObjectSource,
  type OpenObjects,
  replaceEdit,
  withContent,
} from './changes/index.ts';
export { changeObject } from './changes/change-object.ts';
export { type ChangedObjects, type ChangeObjectsOptions, changeObjects } from './changes/change-objects.ts';
export { meetsLabelExpression } from './objects/label-expression.ts';
export { OBJECT_ERRORS, ObjectError, type ObjectErrorCode } from './errors.ts';
export type { KubernetesObject, ObjectMetadata, OwnerReference } from './objects/kubernetes-object.ts';
export {
  assertNoFinalizers,
  describeUnreadable,
  objectConflict,
  objectExists,
  objectNotFound,
  referenceOf,
} from './objects/object-failures.ts';
export { assertSameIdentity } from './objects/object-identity.ts';
export { objectPath } from './objects/object-path.ts';
export { assertValidNamespace, assertValidReference, describeReference } from './objects/object-name.ts';
export { assertWellFormed } from './objects/object-shape.ts';
export { assertShallow } from './objects/object-nesting.ts';
export { isObjectKey, readObjectData, withObjectData } from './objects/object-data.ts';
export { type Fields, fieldsAt, isRecord, listAt, textAt, textsAt } from './objects/object-fields.ts';
export type {
  ObjectListOptions,
  ObjectReadOptions,
  ObjectReference,
  ObjectStore,
  ObjectWriteOptions,
  StoredObject,
} from './object-store.ts';
export {
  apiVersionOf,
  customKind,
  findKind,
  type KindName,
  RESOURCE_KINDS,
  type ResourceKind,
  type StorageFormat,
} from './objects/resource-kind.ts';
