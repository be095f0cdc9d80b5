export {
  type ApiObjectStore,
  type ApiServerAccess,
  type ApiServerOptions,
  connectApiServer,
} from './api/api-object-store.ts';
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
  type ObjectWay,
  type OpenObjects,
  replaceEdit,
  withContent,
} from './changes/index.ts';
export { changeObject } from './change-object.ts';
export { type ChangedObjects, type ChangeObjectsOptions, changeObjects } from './change-objects.ts';
export { meetsLabelExpression } from './label-expression.ts';
export { ObjectError, type ObjectErrorCode } from './errors.ts';
export type { KubernetesObject, ObjectMetadata, OwnerReference } from './kubernetes-object.ts';
export {
  assertNoFinalizers,
  objectConflict,
  objectExists,
  objectNotFound,
  referenceOf,
} from './object-failures.ts';
export { assertSameIdentity } from './object-identity.ts';
export { assertValidNamespace, assertValidReference, describeReference } from './object-name.ts';
export { assertShallow } from './object-nesting.ts';
export { readObjectData, withObjectData } from './object-data.ts';
export { type Fields, fieldsAt, isRecord, listAt, textAt, textsAt } from './object-fields.ts';
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
} from './resource-kind.ts';
export { lineOfYamlError, parseYamlDocuments, readWithoutAliases, type YamlOptions } from './yaml-documents.ts';
