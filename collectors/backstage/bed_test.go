//go:build backstagebed

package backstage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dxctl/dxctl/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

// The tokens of the backend. reader has what docs/sources/backstage.md asks for.
const (
	adminToken  = "admin-token"
	readerToken = "reader-token"
	deniedToken = "denied-token" // the catalog, but not its entities
	barredToken = "barred-token" // another plugin
)

// settings are those of app-config.yaml that scenarios change.
type settings struct {
	orphans  string        // catalog.orphanStrategy; default keep
	interval time.Duration // catalog.processingInterval; default one hour, so that entities are processed once
}

// bed is a Backstage backend in a process of its own, with its database in memory, and a server of descriptors that it
// reads. Both listen on 127.0.0.1 and end with the test.
type bed struct {
	t         testing.TB
	url       string
	env       []string
	log       string
	documents *documents
	end       func() // ends the backend
}

// startBed starts the backend. It fails the test if the backend does not start: there is no test without it.
func startBed(t testing.TB, s settings) *bed {
	t.Helper()
	modules := filepath.Join(os.Getenv("BACKSTAGE_BED"), "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "@backstage", "plugin-catalog-backend")); err != nil {
		t.Fatalf("BACKSTAGE_BED=%q has no Backstage (%v): run make test-backstage", os.Getenv("BACKSTAGE_BED"), err)
	}
	if s.orphans == "" {
		s.orphans = "keep"
	}
	if s.interval == 0 {
		s.interval = time.Hour
	}
	address, files := freeAddress(t), newDocuments(t)
	b := &bed{t: t, url: "http://" + address, log: filepath.Join(t.TempDir(), "log"), documents: files}
	b.env = append(
		os.Environ(),
		"NODE_PATH="+modules,
		"NO_COLOR=1",
		"BED_LISTEN="+address,
		"BED_DOCUMENTS="+files.Listener.Addr().String(),
		"BED_ORPHANS="+s.orphans,
		fmt.Sprintf("BED_INTERVAL=%d", s.interval/time.Second),
		"BED_ADMIN="+adminToken,
		"BED_READER="+readerToken,
		"BED_DENIED="+deniedToken,
		"BED_BARRED="+barredToken,
	)
	t.Cleanup(func() {
		if b.end != nil {
			b.end()
		}
	})
	b.start()
	return b
}

// start starts the backend with an empty database and waits until it is ready.
func (b *bed) start() {
	b.t.Helper()
	out, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command("node", "backend.js", "--config", "app-config.yaml")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "bed", b.env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test binary is killed
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the signal is sent when this thread ends, not when the process does
		defer close(ended)
		err := cmd.Start()
		if started <- err; err == nil {
			_ = cmd.Wait() // it is killed
		}
	}()
	if err := <-started; err != nil {
		b.t.Fatalf("starting node: %v", err)
	}
	b.end = func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	}
	b.eventually(2*time.Minute, "the backend is ready", func() error {
		select {
		case <-ended:
			b.t.Fatalf("the backend ended:\n%s", b.logged())
		default:
		}
		resp, err := http.Get(b.url + "/.backstage/health/v1/readiness")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readiness: %s", resp.Status)
		}
		return nil
	})
}

// restart starts the backend again. Its database, and the locations that were registered, are lost.
func (b *bed) restart() {
	b.t.Helper()
	b.end()
	b.start()
}

// logged returns the end of the log, without the requests.
func (b *bed) logged() string {
	text, _ := os.ReadFile(b.log)
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool {
		return strings.Contains(line, "incomingRequest")
	})
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

func (b *bed) eventually(patience time.Duration, what string, check func() error) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: %v\n%s", what, err, b.logged())
		}
	}
}

// call calls the API of the catalog as the administrator and reads the answer into into, unless it is nil. The error
// has the message of a refusal.
func (b *bed) call(method, path string, body, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, b.url+"/api/catalog/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= 300:
		return &refusal{status: resp.StatusCode, message: string(answer)}
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer, into)
}

// refusal is an answer of Backstage that is an error.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d: %s", r.status, r.message) }

// location is a registered location.
type location struct {
	ID string `json:"id"`
}

// register registers a document and returns its location. The backend reads it within a second or two.
func (b *bed) register(path string) location {
	b.t.Helper()
	var answer struct {
		Location location `json:"location"`
	}
	target := map[string]string{"type": "url", "target": b.documents.URL + path}
	if err := b.call(http.MethodPost, "locations", target, &answer); err != nil {
		b.t.Fatalf("registering %s: %v", path, err)
	}
	return answer.Location
}

// unregister removes a location with its entities.
func (b *bed) unregister(l location) {
	b.t.Helper()
	if err := b.call(http.MethodDelete, "locations/"+l.ID, nil, nil); err != nil {
		b.t.Fatalf("unregistering: %v", err)
	}
}

// entity is what the scenarios read of an entity.
type entity struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		UID         string            `json:"uid"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Relations []struct {
		Type      string `json:"type"`
		TargetRef string `json:"targetRef"`
	} `json:"relations"`
}

func (e entity) ref() string {
	return strings.ToLower(e.Kind + ":" + e.Metadata.Namespace + "/" + e.Metadata.Name)
}

// list returns the entities that Backstage has, all kinds but Location, in one page.
func (b *bed) list() ([]entity, error) {
	var page struct {
		Items []entity `json:"items"`
		Total int      `json:"totalItems"`
	}
	err := b.call(http.MethodGet, "entities/by-query?limit=100000", nil, &page)
	if err == nil && len(page.Items) != page.Total {
		err = fmt.Errorf("a page without a limit has %d of %d entities", len(page.Items), page.Total)
	}
	return slices.DeleteFunc(page.Items, func(e entity) bool { return e.Kind == "Location" }), err
}

// await waits until Backstage lists n entities and their relations are computed, and returns them.
func (b *bed) await(n int, settled func(e entity) bool) (all []entity) {
	b.t.Helper()
	b.eventually(3*time.Minute, fmt.Sprintf("Backstage lists %d entities", n), func() (err error) {
		if all, err = b.list(); err != nil {
			b.t.Fatalf("listing the entities: %v", err)
		}
		if i := slices.IndexFunc(all, func(e entity) bool { return !settled(e) }); len(all) != n || i >= 0 {
			return fmt.Errorf("it lists %d, of which %d is not settled", len(all), i)
		}
		return nil
	})
	return all
}

// settled accepts an entity as it is.
func settled(entity) bool { return true }

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// documents serves descriptors by their path.
type documents struct {
	*httptest.Server
	mu    sync.Mutex
	texts map[string]string
}

func newDocuments(t testing.TB) *documents {
	d := &documents{texts: map[string]string{}}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		text, ok := d.texts[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *documents) put(path string, texts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[path] = strings.Join(texts, "\n---\n")
}

// between passes requests on to the backend, and does something when the nth was answered.
func (b *bed) between(after func(n int)) *httptest.Server {
	target, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	proxy, n := httputil.NewSingleHostReverseProxy(target), 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.ServeHTTP(w, r)
		n++
		after(n)
	}))
	b.t.Cleanup(s.Close)
	return s
}
