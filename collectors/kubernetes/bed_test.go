//go:build kubernetesbed

package kubernetes

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	clientrest "k8s.io/client-go/rest"
)

// bed is a control plane of Kubernetes: etcd, the API server and the controllers as processes of their own, and a loop
// that plays the kubelet. Everything listens on 127.0.0.1 and ends with the test.
type bed struct {
	t       *testing.T
	dir     string
	program string
	etcd    string // URL
	port    int    // of the API server
	proxy   *proxy // through which the collector goes
	admin   dynamic.Interface
	server  *process
	kubelet *kubelet
}

// The tokens of the API server's users. reader has what docs/sources/kubernetes.md asks for.
const (
	adminToken  = "admin-token"
	readerToken = "reader-token"
	barredToken = "barred-token"
	users       = adminToken + ",admin,1,system:masters\n" + readerToken + ",reader,2\n" + barredToken + ",barred,3\n"
)

// startBed starts the control plane. It fails the test when it does not start: there is no test without it.
func startBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, dir: t.TempDir(), program: programOf(t, "KUBERNETES_BED")}
	b.write("tokens.csv", users)
	b.write("key.pem", rsaKey(t))
	b.etcd = fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	start(
		t,
		b.program,
		filepath.Join(b.dir, "etcd.log"),
		"etcd",
		filepath.Join(b.dir, "etcd"),
		b.etcd,
		fmt.Sprintf("http://127.0.0.1:%d", freePort(t)),
	)
	b.port = freePort(t)
	b.startServer()
	b.write("kubeconfig", kubeconfigText(b.url(), adminToken, b.certificate()))
	start(
		t,
		b.program,
		filepath.Join(b.dir, "controllers.log"),
		"controllers",
		"--kubeconfig="+b.path("kubeconfig"),
		"--controllers=deployment-controller,replicaset-controller,statefulset-controller,namespace-controller,garbage-collector-controller",
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--concurrent-deployment-syncs=20",
		"--concurrent-replicaset-syncs=20",
	)
	client, err := dynamic.NewForConfig(b.config(adminToken))
	if err != nil {
		t.Fatal(err)
	}
	b.admin = client
	b.proxy = newProxy(t, fmt.Sprintf("127.0.0.1:%d", b.port))
	b.kubelet = startKubelet(t, client)
	b.grant()
	return b
}

// startServer starts the API server and waits until it is ready.
func (b *bed) startServer() {
	b.t.Helper()
	b.server = start(
		b.t,
		b.program,
		filepath.Join(b.dir, "apiserver.log"),
		"apiserver",
		"--etcd-servers="+b.etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", b.port),
		"--cert-dir="+b.path("certificates"),
		"--token-auth-file="+b.path("tokens.csv"),
		"--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://127.0.0.1",
		"--service-account-signing-key-file="+b.path("key.pem"),
		"--service-account-key-file="+b.path("key.pem"),
		"--max-requests-inflight=2000",
		"--max-mutating-requests-inflight=1000",
	)
	deadline := time.Now().Add(3 * time.Minute)
	for {
		err := b.ready()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(b.path("apiserver.log"))
			b.t.Fatalf("the API server is not ready: %v\n%s", err, log[max(0, len(log)-3000):])
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (b *bed) ready() error {
	if _, err := os.Stat(b.path("certificates/apiserver.crt")); err != nil {
		return err
	}
	client, err := clientrest.HTTPClientFor(b.config(adminToken))
	if err != nil {
		return err
	}
	resp, err := client.Get(b.url() + "/readyz")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(text))
	}
	return nil
}

func (b *bed) url() string             { return fmt.Sprintf("https://127.0.0.1:%d", b.port) }
func (b *bed) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bed) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) certificate() []byte {
	b.t.Helper()
	text, err := os.ReadFile(b.path("certificates/apiserver.crt"))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *bed) config(token string) *clientrest.Config {
	return &clientrest.Config{Host: b.url(), BearerToken: token, QPS: 1000, Burst: 2000,
		TLSClientConfig: clientrest.TLSClientConfig{CAData: b.certificate()}, WarningHandler: clientrest.NoWarnings{}}
}

// process is a program that runs until the test ends.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func start(t *testing.T, program, log string, args ...string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test binary is killed
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the signal is sent when this thread ends, not when the process does
		defer close(p.ended)
		err := p.cmd.Start()
		if started <- err; err == nil {
			_ = p.cmd.Wait() // it is killed
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	t.Cleanup(func() {
		p.stop()
		_ = out.Close()
		if t.Failed() && os.Getenv("KUBERNETES_BED_LOGS") != "" {
			if text, err := os.ReadFile(log); err == nil {
				t.Logf("%s:\n%s", log, text[max(0, len(text)-4000):])
			}
		}
	})
	return p
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// programOf is the program that an environment variable names.
func programOf(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s=%q names no program (%v): run make test-kubernetes", variable, path, err)
	}
	return path
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func rsaKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// proxy stands between the collector and the API server, and can cut the connections.
type proxy struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	down     bool
	open     map[net.Conn]bool
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, open: map[net.Conn]bool{}}
	go p.serve()
	t.Cleanup(func() {
		l.Close()
		p.cut()
	})
	return p
}

func (p *proxy) url() string { return "https://" + p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if !p.keep(client, server) || err != nil {
			p.drop(client, server)
			continue
		}
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				_, _ = io.Copy(way[0], way[1]) // until one of them is closed
				p.drop(client, server)
			}()
		}
	}
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if c != nil {
			p.open[c] = true
		}
	}
	return !p.down
}

func (p *proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if c != nil {
			c.Close()
			delete(p.open, c)
		}
	}
}

// cut ends all connections and takes no new ones until heal.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.open {
		c.Close()
	}
	clear(p.open)
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// eventually waits until check returns nil.
func eventually(t *testing.T, patience time.Duration, what string, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

var errNotYet = errors.New("not yet")

func background() context.Context { return context.Background() }
