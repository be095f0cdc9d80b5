export { canonicalContent, canonicalJson } from './canonical-json.ts';
export { createObjectChangeKinds } from './object-change-kinds.ts';
export {
  CREATED_BY,
  createEdit,
  deleteEdit,
  type ObjectChange,
  type ObjectCreate,
  type ObjectDelete,
  type ObjectReplace,
  replaceEdit,
} from './object-changes.ts';
export { contentOf, digestOf, type ObjectContent, withContent } from './object-content.ts';
export { describeEdit, maskObject } from './object-mask.ts';
export type { OpenObjects } from './object-targets.ts';
export type { ObjectAccess, ObjectSource } from './object-source.ts';
