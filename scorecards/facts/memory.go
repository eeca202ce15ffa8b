package facts

import (
	"context"
	"sync"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/store"
)

// Memory keeps the numbers of services that were graded alone, so that grading one again costs little while nothing
// that its numbers are computed of has changed. It may be used by several goroutines.
type Memory struct {
	mu       sync.Mutex
	catalog  any
	services map[string]remembered
	queriers map[string]*store.ServiceQuerier // of services that were graded alone: they have read the catalog
}

// remembered are the numbers of a service.
type remembered struct {
	records string // as of store.ServiceQuerier
	at      time.Time
	numbers *numbers
	read    map[event.Kind]time.Time
}

const (
	// rememberedFor bounds how old a number is: windows end now, and some look at other services' records.
	rememberedFor = time.Hour
	// rememberedServices bounds the memory.
	rememberedServices = 10_000
)

// For returns the memory after it has forgotten what was computed with another catalog. catalog is a pointer to it.
func (m *Memory) For(catalog any) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.catalog != catalog {
		m.catalog, m.services, m.queriers = catalog, map[string]remembered{}, map[string]*store.ServiceQuerier{}
	}
	return m
}

// querier returns a querier for a service. What the catalog says of the service is read once.
func (m *Memory) querier(ctx context.Context, q metrics.Querier, service string) (*store.ServiceQuerier, error) {
	if m == nil {
		return store.OfService(ctx, q, service)
	}
	m.mu.Lock()
	known, ok := m.queriers[service]
	catalog := m.catalog
	m.mu.Unlock()
	if ok {
		return known.Again(q), nil
	}
	found, err := store.OfService(ctx, q, service)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.catalog == catalog {
		if len(m.queriers) >= rememberedServices {
			clear(m.queriers)
		}
		m.queriers[service] = found
	}
	return found, nil
}

// recall gives a service the numbers of the last time and reports whether they still hold.
func (m *Memory) recall(c Computed, service, records string) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.services[service]
	if age := c.now.Sub(known.at); !ok || known.records != records || age < 0 || age >= rememberedFor {
		return false
	}
	c.at[service], c.numbers[service], c.read[service] = known.at, known.numbers, known.read
	return true
}

// keep remembers the numbers that a service has now.
func (m *Memory) keep(c Computed, service, records string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.services) >= rememberedServices {
		clear(m.services)
	}
	m.services[service] = remembered{records, c.now, c.numbers[service], c.read[service]}
}
