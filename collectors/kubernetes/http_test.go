package kubernetes

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/source"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// apiServer speaks the list and watch of the API of Kubernetes over HTTP, for any resource.
type apiServer struct {
	*httptest.Server
	mu       sync.Mutex
	objects  map[string]objects                          // by resource
	watchers map[string][]chan unstructured.Unstructured // by resource
	methods  map[string]int
	tokens   map[string]int
	redirect string
	down     bool // listings are not answered
	expired  bool // a watch is answered as by a server that has been started again since the version that it asks for
}

func newAPIServer(t testing.TB) *apiServer {
	s := &apiServer{
		objects:  map[string]objects{},
		watchers: map[string][]chan unstructured.Unstructured{},
		methods:  map[string]int{},
		tokens:   map[string]int{},
	}
	s.Server = httptest.NewTLSServer(s) // over plain HTTP client-go sends no token
	t.Cleanup(s.Close)
	return s
}

// put adds or replaces an object, and tells those who watch.
func (s *apiServer) put(resource string, u *unstructured.Unstructured) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.objects[resource] {
		if old.GetName() == u.GetName() {
			s.objects[resource] = append(s.objects[resource][:i:i], s.objects[resource][i+1:]...)
		}
	}
	s.objects[resource] = append(s.objects[resource], u)
	for _, w := range s.watchers[resource] {
		w <- *u
	}
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	resource := parts[len(parts)-1]
	s.mu.Lock()
	s.methods[r.Method]++
	s.tokens[r.Header.Get("Authorization")]++
	redirect := s.redirect
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	q := r.URL.Query()
	switch {
	case redirect != "":
		http.Redirect(w, r, redirect+r.URL.Path, http.StatusTemporaryRedirect)
	case q.Get("sendInitialEvents") == "true": // as a server that does not know this way of listing
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).
			Encode(object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422, "message": "sendInitialEvents is forbidden"})
	case q.Get("watch") != "" && s.expires():
		_ = json.NewEncoder(w).
			Encode(object{"type": "ERROR", "object": object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Failure",
				"reason": "Expired", "code": 410, "message": "too old resource version: 10 (327)"}})
	case q.Get("watch") == "true" || q.Get("watch") == "1":
		s.watch(w, r, resource)
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.expired = s.expired && s.down; s.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		items := []any{}
		for _, u := range s.objects[resource] {
			items = append(items, u.Object)
		}
		_ = json.NewEncoder(w).
			Encode(object{"kind": "List", "apiVersion": "apps/v1", "metadata": object{"resourceVersion": "10"}, "items": items})
	}
}

func (s *apiServer) watch(w http.ResponseWriter, r *http.Request, resource string) {
	changes := make(chan unstructured.Unstructured, 100)
	s.mu.Lock()
	s.watchers[resource] = append(s.watchers[resource], changes)
	s.mu.Unlock()
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for version := 11; ; version++ {
		select {
		case u := <-changes:
			u.SetResourceVersion(fmt.Sprint(version))
			if json.NewEncoder(w).Encode(object{"type": "MODIFIED", "object": u.Object}) != nil {
				return
			}
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// cut ends the watches. What changes until heal is not sent to anyone; then watches are answered with 410 until
// everything has been listed again.
func (s *apiServer) cut() {
	s.mu.Lock()
	clear(s.watchers)
	s.expired, s.down = true, true
	s.mu.Unlock()
	s.CloseClientConnections()
}

func (s *apiServer) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

func (s *apiServer) expires() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.expired
}

// watched reports whether every resource is.
func (s *apiServer) watched(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watchers) == n
}

// kubeconfig writes a kubeconfig for the server, with a context that is not the current one.
func kubeconfig(t testing.TB, server string, authority []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: elsewhere
clusters: [{name: here, cluster: {server: %q, certificate-authority-data: %s}}, {name: elsewhere, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: reader, user: {token: secret}}]
contexts: [{name: here, context: {cluster: here, user: reader}}, {name: elsewhere, context: {cluster: elsewhere, user: reader}}]
`, server, base64.StdEncoding.EncodeToString(authority))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func overHTTP(t *testing.T, s *apiServer) *Collector {
	t.Helper()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	c, err := New(
		Config{Source: "k8s", Kubeconfig: kubeconfig(t, s.URL, authority), Context: "here", Environment: "production"},
		Options{
			Options:  source.Options{Now: func() time.Time { return noon.Add(time.Hour) }, UserAgent: "dxctl/test"},
			Settle:   time.Millisecond,
			Patience: 5 * time.Second,
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestInformersOverHTTP(t *testing.T) {
	s := newAPIServer(t)
	s.put("deployments", deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)))
	s.put("replicasets", replicaSet(1, 1, 0, "1.2", nil, ""))
	c := overHTTP(t, s)
	var mu sync.Mutex
	statuses := map[int]int{}
	c.Observe(rest.Observer{Request: func(r rest.Request) {
		mu.Lock()
		defer mu.Unlock()
		statuses[r.Status]++
	}})
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := collecttest.NewWriter()
	scopes, err := c.Scopes(t.Context(), m)
	if err != nil || len(scopes) != 1 {
		t.Fatalf("%v %v", scopes, err)
	}
	if err := c.Collect(t.Context(), scopes[0], m); err != nil || deployed(m, id(1)).Status != event.Succeeded {
		t.Fatalf("%v %+v", err, collecttest.Stored[event.Deployment](m))
	}
	mu.Lock()
	if statuses[200] < 8 { // two passes over four resources
		t.Errorf("requests by status: %v", statuses)
	}
	mu.Unlock()

	s.mu.Lock()
	clear(s.watchers)
	s.mu.Unlock()
	w := &watched{t: t, m: m}
	ended := make(chan error, 1)
	ctx, cancel := contextOf(t)
	go func() { ended <- c.Watch(ctx, func(string) source.Writer { return m }) }()
	for deadline := time.Now().Add(10 * time.Second); !s.watched(4); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is watched")
		}
	}
	s.put("replicasets", replicaSet(2, 2, 10, "1.3", nil, ""))
	s.put("deployments", deployment(2, "1.3", progressing("ReplicaSetUpdated", "True", 2, 11)))
	w.until(id(2), is(event.Running))
	s.put("deployments", deployment(2, "1.3", progressing("NewReplicaSetAvailable", "True", 2, 12)))
	if e := w.until(id(2), is(event.Succeeded)); !e.FinishedAt.Equal(at(12)) || e.Environment != "production" {
		t.Errorf("%+v", e)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.methods) != 1 || s.methods["GET"] == 0 || len(s.tokens) != 1 || s.tokens["Bearer secret"] == 0 {
		t.Errorf("methods %v, tokens %v", s.methods, s.tokens)
	}
}

func TestTheCredentialsStayAtHome(t *testing.T) {
	other, s := newAPIServer(t), newAPIServer(t)
	s.redirect = other.URL
	err := overHTTP(t, s).Check(t.Context())
	var refused *rest.RefusedError
	if !errors.As(err, &refused) || len(other.methods) != 0 {
		t.Errorf("%v; the other host was asked %v", err, other.methods)
	}
}

func TestAKubeconfigThatCannotBeRead(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"it is not there", Config{Source: "k8s", Kubeconfig: "/nowhere/config"}, "/nowhere/config"},
		{"it has no such context", Config{Source: "k8s", Kubeconfig: kubeconfig(t, "http://127.0.0.1:1", nil), Context: "there"}, `context "there" does not exist`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := New(tc.cfg, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) ||
				!strings.Contains(err.Error(), "set kubeconfig and context") {
				t.Errorf("%v", err)
			}
		})
	}
}
