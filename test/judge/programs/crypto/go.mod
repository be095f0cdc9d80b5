module kube-rescue/judge/crypto

go 1.19
