// Command crypto judges certificates, keys and bundles with Go's standard library alone.
//
// It reads one JSON item a line and answers one line of JSON: {"id": ..., "error": ...}; an empty error means accepted.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

type item struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Base64 in JSON.
	Der           []byte   `json:"der"`
	Certificate   []byte   `json:"certificate"`
	Key           []byte   `json:"key"`
	Text          []byte   `json:"text"`
	Leaf          []byte   `json:"leaf"`
	Intermediates [][]byte `json:"intermediates"`
	Roots         [][]byte `json:"roots"`
	Usage         string   `json:"usage"`
	Host          string   `json:"host"`
	Now           string   `json:"now"`
}

type answer struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// shakeHands serves the pair to a client that verifies nothing.
func shakeHands(pair tls.Certificate) error {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	deadline := time.Now().Add(10 * time.Second)
	_ = client.SetDeadline(deadline)
	_ = server.SetDeadline(deadline)
	served := make(chan error, 1)
	go func() {
		err := tls.Server(server, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake()
		if err != nil {
			server.Close()
		}
		served <- err
	}()
	err := tls.Client(client, &tls.Config{InsecureSkipVerify: true}).Handshake()
	if err != nil {
		client.Close()
	}
	if other := <-served; err == nil {
		return other
	}
	return err
}

func judgePair(certificate, key []byte) error {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	return shakeHands(pair)
}

// judgeEtcdBundle reads each block as etcd's client/pkg/tlsutil does.
func judgeEtcdBundle(text []byte) error {
	count := 0
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return err
		}
		count++
		text = rest
	}
	if count == 0 {
		return errors.New("the pool is empty")
	}
	return nil
}

func pool(ders [][]byte) (*x509.CertPool, error) {
	certificates := x509.NewCertPool()
	for _, der := range ders {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		certificates.AddCert(certificate)
	}
	return certificates, nil
}

func judgeChain(each item) error {
	leaf, err := x509.ParseCertificate(each.Leaf)
	if err != nil {
		return err
	}
	roots, err := pool(each.Roots)
	if err != nil {
		return err
	}
	intermediates, err := pool(each.Intermediates)
	if err != nil {
		return err
	}
	now, err := time.Parse(time.RFC3339, each.Now)
	if err != nil {
		return err
	}
	usage := x509.ExtKeyUsageServerAuth
	if each.Usage == "client" {
		usage = x509.ExtKeyUsageClientAuth
	}
	_, err = leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: now, DNSName: each.Host,
		KeyUsages: []x509.ExtKeyUsage{usage},
	})
	return err
}

func judge(each item) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	switch each.Kind {
	case "certificate":
		_, err := x509.ParseCertificate(each.Der)
		return err
	case "pair":
		return judgePair(each.Certificate, each.Key)
	case "pool":
		if !x509.NewCertPool().AppendCertsFromPEM(each.Text) {
			return errors.New("no certificate was added")
		}
		return nil
	case "etcd":
		return judgeEtcdBundle(each.Text)
	case "chain":
		return judgeChain(each)
	}
	return errors.New("unknown kind")
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	decoder := json.NewDecoder(lines)
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
