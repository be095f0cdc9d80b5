//go:build tools

package tools

import (
	_ "github.com/coredns/coredns"
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
