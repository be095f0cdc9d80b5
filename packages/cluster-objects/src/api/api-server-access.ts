/** How to reach an API server; its certificate is always verified in full. */
export type ApiServerAccess =
  | {
      /** For example `https://10.0.0.11:6443`. */
      readonly server: string;
      /** PEM CA certificates trusted for the server; no others are. */
      readonly ca: string;
      /** PEM client certificate and key. */
      readonly client: { readonly certificate: string; readonly key: string };
    }
  /** The text of a kubeconfig with embedded certificates and keys: no file paths, no programs to run. */
  | { readonly kubeconfig: string };
