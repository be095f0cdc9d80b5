export { EtcdError, type EtcdErrorCode, isRetryable } from './errors.ts';
export {
  type DeleteRequest,
  type EtcdKv,
  type KeyValue,
  type ListBatch,
  prefixEnd,
  type RangeRequest,
  type RangeResult,
  type ReadOptions,
  type SwapRequest,
  type SwapResult,
} from './kv.ts';
