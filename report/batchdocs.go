package report

// BatchesDocument is a page of the list of batches.
type BatchesDocument struct {
	Total   int     `json:"total"`
	Batches []Batch `json:"batches"`
	Next    string  `json:"next"`
}

// NewBatchesDocument returns a page of batches.
func NewBatchesDocument(rows []Batch, p Page) BatchesDocument {
	return BatchesDocument{Total: len(rows), Batches: PageOf(rows, p)}
}

// BatchDetail is a batch with a page of its fixes.
type BatchDetail struct {
	Batch
	Total int      `json:"total"` // fixes that fit the filter
	Runs  []FixRun `json:"runs"`
	Next  string   `json:"next"`
}

// NewBatchDetail returns a batch with a page of its fixes.
func NewBatchDetail(b Batch, rows []FixRun, p Page) BatchDetail {
	return BatchDetail{Batch: b, Total: len(rows), Runs: PageOf(rows, p)}
}

// FixRatesDocument is a page of the list of rates.
type FixRatesDocument struct {
	Total  int       `json:"total"`
	Enough int       `json:"enough"` // graded fixes from which on a rate orders the cheapest way up
	Fixes  []FixRate `json:"fixes"`
	Next   string    `json:"next"`
}

// NewFixRatesDocument returns a page of rates.
func NewFixRatesDocument(rows []FixRate, p Page) FixRatesDocument {
	return FixRatesDocument{Total: len(rows), Enough: EnoughFixes, Fixes: PageOf(rows, p)}
}
