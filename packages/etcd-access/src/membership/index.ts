export { createMemberChangeKinds } from './member-change-kinds.ts';
