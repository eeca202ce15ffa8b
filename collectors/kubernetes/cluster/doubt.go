package cluster

// ListingOf returns the listing that shows workloads of a kind in a namespace; nil when there is none.
func (k *Caches) ListingOf(kind, namespace string) *Listing {
	for _, l := range k.workloads {
		if l.shows(kind, namespace) {
			return l
		}
	}
	return nil
}

// Doubt stores why a workload that the listing lacks is not taken to be gone; nil: it is taken to be gone.
func (l *Listing) Doubt(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doubted = err; err == nil {
		l.deleted = nil
	}
}

// believed reports whether what the listing lacks is not there.
func (l *Listing) believed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.doubted == nil && len(l.odd) == 0
}

// noteDeleted notes a workload of which the watch showed the deletion: there is no doubt about it.
func (l *Listing) noteDeleted(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deleted == nil {
		l.deleted = map[string]bool{}
	}
	l.deleted[key] = true
}

// SawDeleted reports whether the watch showed the deletion of a workload, by its key, since the listing was last
// believed.
func (l *Listing) SawDeleted(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deleted[key]
}
