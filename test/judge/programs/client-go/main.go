// Command client-go judges kubeconfigs, bundles and signing keys with client-go.
//
// It reads one JSON item a line and answers one line of JSON: {"id": ..., "error": ...}; an empty error means accepted.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

type item struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Text []byte `json:"text"`
}

type answer struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// judgeKubeconfig loads a kubeconfig as a component does, up to the TLS configuration of its client.
func judgeKubeconfig(text []byte) error {
	loaded, err := clientcmd.Load(text)
	if err != nil {
		return err
	}
	config, err := clientcmd.NewDefaultClientConfig(*loaded, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return err
	}
	if _, err := rest.TLSConfigFor(config); err != nil {
		return err
	}
	_, _, err = rest.DefaultServerUrlFor(config)
	return err
}

func judge(each item) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	switch each.Kind {
	case "client-go":
		_, err := cert.ParseCertsPEM(each.Text)
		return err
	case "signing-key":
		_, err := keyutil.ParsePrivateKeyPEM(each.Text)
		return err
	case "kubeconfig":
		return judgeKubeconfig(each.Text)
	}
	return errors.New("unknown kind")
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	decoder := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	for decoder.More() {
		var each item
		if err := decoder.Decode(&each); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		text := ""
		if err := judge(each); err != nil {
			text = err.Error()
		}
		if err := encoder.Encode(answer{each.ID, text}); err != nil {
			os.Exit(1)
		}
	}
}
