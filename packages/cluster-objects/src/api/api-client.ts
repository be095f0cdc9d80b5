/**
 * What is used of Kubernetes' client library. Its models of every kind are not among it: nine tenths of the library, which a bundle
 * leaves out.
 */
export { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
