package answers

// rest is how much longer than its computation an answer is given before it is computed for another version, so that
// constant writing does not keep the machine computing.
const rest = 2

// largest is the part of the cache, 1/largest, that a single answer may take.
const largest = 4

// entry returns the entry of the key, a new one if there is none, as the most recently used.
func (c *Cache[T]) entry(key string) *entry[T] {
	if e, ok := c.entries[key]; ok {
		c.order.MoveToFront(e.at)
		return e
	}
	e := &entry[T]{key: key}
	e.at = c.order.PushFront(e)
	c.entries[key] = e
	c.bytes += overhead(key)
	c.trim(e)
	return e
}

// keep stores what a flight returned, unless a later flight of the key was started meanwhile.
func (c *Cache[T]) keep(f *flight[T], key string, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok || e.flight != f {
		return
	}
	e.flight = nil
	now := c.now()
	if e.err = f.err; f.err != nil {
		e.errUntil = now.Add(c.cfg.ErrorAge)
		return
	}
	if size > c.cfg.MaxBytes/largest {
		c.remove(e)
		return
	}
	c.bytes += size - e.size
	e.value, e.has, e.size, e.version, e.held = f.value, true, size, f.version, f.began
	e.notBefore = now.Add(min(rest*now.Sub(f.began), c.cfg.MaxStale/2))
	c.trim(e)
}

// trim removes the least recently used entries beyond the bounds. The entry spared and those that are being computed
// stay.
func (c *Cache[T]) trim(spared *entry[T]) {
	for at := c.order.Back(); at != nil && (len(c.entries) > c.cfg.MaxEntries || c.bytes > c.cfg.MaxBytes); {
		e, _ := at.Value.(*entry[T])
		at = at.Prev()
		if e != spared && e.flight == nil {
			c.remove(e)
		}
	}
	c.metrics.size(c.cfg.Name, len(c.entries), c.bytes)
}

func (c *Cache[T]) remove(e *entry[T]) {
	c.order.Remove(e.at)
	delete(c.entries, e.key)
	c.bytes -= e.size + overhead(e.key)
}

// overhead is about what an entry takes in addition to its answer, in bytes.
func overhead(key string) int64 { return int64(len(key)) + 512 }

// Len returns how many entries are kept, and their size in bytes.
func (c *Cache[T]) Len() (entries int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries), c.bytes
}
