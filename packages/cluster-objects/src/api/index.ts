export { type ApiObjectStore, type ApiServerOptions, connectApiServer } from './api-object-store.ts';
export type { ApiServerAccess } from './api-server-access.ts';
export { connectTokenApi, type TokenApi } from './token-api.ts';
