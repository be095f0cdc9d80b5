import { type LeafCertificate } from '../kubeadm-expired/leaf-certificates.ts';

/** A CA of a kubeadm cluster: its files are `/etc/kubernetes/pki/NAME.crt` and `.key`. */
export type LabCaName = LeafCertificate['issuer'];
