package jenkins

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	buildsStream = "builds"
	pageSize     = 100 // newest builds of a job that are asked for at once, and looked at for what has changed
	// historySize is how many older builds are asked for at once. Jenkins has no limit of its own; it reads a file a
	// build.
	historySize = 200
	// openFor is how long a build that is not final is asked for again, when it is not on the newest page anymore.
	openFor = 30 * 24 * time.Hour
	// daily is how often the newest page is read whatever the listing says, and how often gaps are looked for.
	daily = 24 * time.Hour
)

// scopeState is the checkpoint of a scope.
type scopeState struct {
	Jobs     map[string]*jobState `json:"jobs"`              // by branch; the only one of a plain job is ""
	Refilled time.Time            `json:"refilled,omitzero"` // when gaps were last looked for
	Vanished uint64               `json:"vanished,omitempty"`
	// branches, builds and stages that Jenkins always answers with an error
	Failed *rest.Quarantine `json:"failed,omitzero"`
}

// jobState is how far a job has been read. Every build with a number up to Head and created since Floor is stored, but
// for Pending.
type jobState struct {
	ETag    string        `json:"etag,omitempty"`   // of the newest page
	PageLow int           `json:"low,omitempty"`    // lowest number on that page
	Head    int           `json:"head,omitempty"`   // highest number seen
	HeadAt  int64         `json:"headAt,omitempty"` // that build's timestamp: of a job that was made anew it differs
	Listed  uint64        `json:"listed,omitempty"` // builds that Jenkins has shown, each once
	Floor   time.Time     `json:"floor,omitzero"`
	Pending []span        `json:"pending,omitempty"` // newest first
	Open    map[int]int64 `json:"open,omitempty"`    // numbers of builds that are not final, with their timestamps
	Checked time.Time     `json:"checked,omitzero"`  // when the whole newest page was last read
	Rules   string        `json:"rules,omitempty"`   // digest of the deployment rules and choices it was read with
}

// span is a stretch of builds that is to be read: those with numbers above Above and below Below.
type span struct {
	Above int  `json:"above,omitempty"`
	Below int  `json:"below"`
	At    int  `json:"at,omitempty"`    // place of the build Below in Jenkins' list, as far as is known
	Again bool `json:"again,omitempty"` // also what is stored already is stored again
}

// Collect updates a job, or the branches of a multibranch project.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	t, err := c.target(ctx, scope)
	if err != nil {
		return err
	}
	r := &reader{
		Collector:   c,
		scope:       scope,
		w:           w,
		since:       c.cfg.Since,
		multibranch: t.multibranch,
		tried:       map[string]bool{},
	}
	if s := w.Since(); !s.IsZero() && (r.since.IsZero() || s.Before(r.since)) {
		r.since = s
	}
	if _, err := w.Load(ctx, buildsStream, &r.state); err != nil {
		return err
	}
	if r.state.Jobs == nil {
		r.state.Jobs = map[string]*jobState{}
	}
	held := !r.state.Failed.IsZero()
	r.state.Failed = r.state.Failed.Begin()
	if err := r.prune(ctx, t); err != nil {
		return err
	}
	if err := r.each(ctx, t, r.job); err != nil {
		return err
	}
	if held || !r.state.Failed.IsZero() {
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	if err := r.account(ctx, t); err != nil {
		return err
	}
	return r.state.Failed.Err("part")
}

// each does something with every job of the scope. A branch that cannot be read is set aside, and the others are read;
// it is an error where none of them can be.
func (r *reader) each(ctx context.Context, t target, do func(context.Context, job) error) error {
	read, last := 0, error(nil)
	for _, j := range t.jobs {
		var failure error
		one := func(ctx context.Context) error {
			if failure = do(ctx, j); failure != nil {
				failure = fmt.Errorf("builds of %s: %w", j.fullName(), failure)
			}
			return failure
		}
		if !r.multibranch {
			return one(ctx)
		}
		ok, err := r.state.Failed.Do(ctx, "branch "+j.branch, r.Now(), one)
		if err != nil {
			return err
		}
		if ok {
			read++
		} else if failure != nil {
			last = failure
		}
	}
	if read == 0 {
		return last
	}
	return nil
}

// reader is one Collect of one scope.
type reader struct {
	*Collector
	scope       string
	w           source.Writer
	since       time.Time
	multibranch bool
	state       scopeState
	done        uint64
	tried       map[string]bool // keys that were set aside in this Collect
}

func (r *reader) origin(id, url string) event.Origin {
	return event.Origin{Source: r.cfg.Source, Provider: Provider, Scope: r.scope, ID: id, URL: url}
}

func (r *reader) save(ctx context.Context) error { return r.w.Save(ctx, buildsStream, &r.state) }

// prune forgets branches that the project no longer has. Their builds stay stored.
func (r *reader) prune(ctx context.Context, t target) error {
	if len(t.jobs) == 0 { // an empty answer is no proof
		return nil
	}
	live := map[string]bool{}
	for _, j := range t.jobs {
		live[j.key()] = true
	}
	r.state.Failed.Forget(func(key string) bool {
		branch, is := strings.CutPrefix(key, "branch ")
		return !is || live[branch]
	})
	n := len(r.state.Jobs)
	maps.DeleteFunc(r.state.Jobs, func(key string, s *jobState) bool {
		if !live[key] {
			r.state.Vanished += s.Listed
		}
		return !live[key]
	})
	if len(r.state.Jobs) == n {
		return nil
	}
	return r.save(ctx)
}

// digest names the choices that decide what is made of a build.
func (c *Collector) digest() string {
	if c.cfg.Stages {
		return c.rulesD + "+stages"
	}
	return c.rulesD
}

// job updates one job: the newest builds, then what is pending, then builds that are not final yet.
func (r *reader) job(ctx context.Context, j job) error {
	s := r.state.Jobs[j.key()]
	if s == nil {
		s = &jobState{Floor: r.since, Rules: r.digest()}
		r.state.Jobs[j.key()] = s
	}
	p := &pass{reader: r, job: j, s: s, seen: map[int]bool{}}
	p.prepare()
	news, err := p.news(ctx)
	if err == nil && news {
		err = p.newest(ctx)
	}
	// the branch was deleted since the project was listed
	if rest.IsGone(err) && r.multibranch && !r.stillListed(ctx, j.names) {
		return nil
	}
	if err != nil {
		return err
	}
	for len(s.Pending) > 0 {
		if err := p.pending(ctx); err != nil {
			return err
		}
	}
	return p.open(ctx)
}

// pass is one pass over one job.
type pass struct {
	*reader
	job  job
	s    *jobState
	seen map[int]bool // builds that this pass has read
	full bool         // the newest page is read whole
}

// reread makes every build pending once more and counts them anew. Again: also what is stored already is stored again.
func (s *jobState) reread(again bool) {
	if s.Head > 0 {
		s.Listed, s.Pending = 0, []span{{Below: s.Head + 1, Again: again}}
	}
}

// prepare adds what is to be read again because the configuration has changed.
func (p *pass) prepare() {
	s := p.s
	if s.Rules != p.digest() {
		s.Rules, s.ETag = p.digest(), ""
		s.reread(true)
	}
	if !s.Floor.IsZero() && (p.since.IsZero() || p.since.Before(s.Floor)) {
		s.Floor = p.since
		s.reread(false)
	}
}

// news reports whether the newest page has to be asked for.
func (p *pass) news(ctx context.Context) (bool, error) {
	s, h := p.s, p.job.hint
	since := p.Now().Sub(s.Checked)
	p.full = since >= daily || since < 0 // the clock may have been set back
	if !h.given && s.ETag == "" && !s.Checked.IsZero() && !p.full {
		// Neither the folder nor an ETag says whether there is anything new: a small question.
		var n node
		if _, err := p.get(ctx, p.job.names, "lastBuild[number,building]", "", &n); err != nil {
			return false, err
		}
		h = n.hint()
		p.job.hint = h
	}
	if h.given && h.number == 0 && s.Head == 0 { // it was never built
		return false, nil
	}
	if h.given && h.number < s.Head { // its newest builds were deleted, or it was made anew and counts from 1
		*s = jobState{Floor: s.Floor, Rules: s.Rules, Pending: nil}
		p.full = true
	}
	return p.full || !h.given || h.number != s.Head || h.building || len(s.Open) > 0, nil
}

// newest reads the newest builds: as many as there are new, or a whole page.
func (p *pass) newest(ctx context.Context) error {
	s, size := p.s, pageSize
	if h := p.job.hint; h.given && s.Head > 0 && !p.full {
		from := s.Head
		for n := range s.Open {
			from = min(from, n)
		}
		size = min(pageSize, h.number-from+1)
	}
	etag := ""
	if size == pageSize {
		etag = s.ETag
	}
	page, got, err := p.page(ctx, 0, size, etag)
	if err != nil {
		return err
	}
	if got.NotModified {
		for n := range s.Open {
			p.seen[n] = p.seen[n] || n >= s.PageLow
		}
		if !p.full {
			return nil
		}
		s.Checked = p.Now().UTC()
		return p.save(ctx)
	}
	if p.anew(page.Builds) {
		*s = jobState{Floor: s.Floor, Rules: s.Rules}
	}
	head := s.Head
	if err := p.take(ctx, page.Builds, func(b build) bool { return b.Number > head }, false); err != nil {
		return err
	}
	low, high := page.bounds()
	if high > s.Head {
		s.Head, s.HeadAt = high, 0 // it cannot be read
	}
	if !page.ends(size) && low > head && !p.tooOld(page.Builds) {
		s.Pending = slices.Insert(s.Pending, 0, span{Above: head, Below: low, At: page.shown - 1})
	}
	if size == pageSize {
		s.ETag, s.PageLow, s.Checked = got.ETag, low, p.Now().UTC()
		if page.ends(size) {
			s.PageLow = 0
		}
	}
	return p.save(ctx)
}

// anew reports whether the job was made anew since it was last read: the build that was the newest then is another one.
func (p *pass) anew(builds []build) bool {
	return p.s.Head > 0 &&
		slices.ContainsFunc(
			builds,
			func(b build) bool { return b.Number == p.s.Head && p.s.HeadAt != 0 && b.Timestamp != p.s.HeadAt },
		)
}

// page asks for the builds at the places from (counted from 0) up to, but not with, to. A build with which Jenkins
// cannot answer does not cost the others of its page: it is set aside.
func (p *pass) page(ctx context.Context, from, to int, etag string) (buildPage, rest.Answer, error) {
	page, got, err := p.ask(ctx, from, to, etag)
	if !rest.Broken(err) {
		return page, got, err
	}
	var numbers buildPage // the numbers alone need not be broken
	if _, err := p.get(
		ctx,
		p.job.names,
		fmt.Sprintf("firstBuild[number],allBuilds[number]{%d,%d}", from, to),
		"",
		&numbers,
	); err != nil {
		return buildPage{}, rest.Answer{}, err
	}
	page = buildPage{First: numbers.First, shown: len(numbers.Builds)}
	err = rest.Bisect(ctx, from, from+len(numbers.Builds), func(ctx context.Context, from, to int) error {
		part, _, err := p.ask(ctx, from, to, "")
		if err == nil {
			page.Builds = append(page.Builds, part.Builds...)
			p.state.Failed.Done("")
		}
		return err
	}, func(place int, err error) error {
		lost := numbers.Builds[place-from]
		page.lost = append(page.lost, lost.Number)
		return p.hold(lost, err)
	})
	return page, rest.Answer{}, err
}

// ask reads a page as it comes.
func (p *pass) ask(ctx context.Context, from, to int, etag string) (buildPage, rest.Answer, error) {
	var page buildPage
	got, err := p.get(
		ctx,
		p.job.names,
		fmt.Sprintf("firstBuild[number],allBuilds[%s]{%d,%d}", p.buildFields(), from, to),
		etag,
		&page,
	)
	page.shown = min(len(page.Builds), to-from) // places of the list; what is beyond them has none
	page.Builds = slices.DeleteFunc(page.Builds, func(b build) bool { return b.Number < 1 })
	if n := page.shown - len(page.Builds); n > 0 {
		p.LeftOut("builds without a number", n)
	}
	return page, got, err
}

// ends reports whether nothing comes after the page, of which size builds were asked.
func (p buildPage) ends(size int) bool {
	low, _ := p.bounds()
	return p.shown < size || p.First != nil && low > 0 && low <= p.First.Number
}

// bounds are the lowest and the highest number of the page, of what could be read and what could not; 0 of an empty
// one.
func (p buildPage) bounds() (low, high int) {
	numbers := slices.Clone(p.lost)
	for _, b := range p.Builds {
		numbers = append(numbers, b.Number)
	}
	if len(numbers) == 0 {
		return 0, 0
	}
	return slices.Min(numbers), slices.Max(numbers)
}

// tooOld reports whether every build is older than what is wanted.
func (p *pass) tooOld(builds []build) bool {
	return len(builds) > 0 && !slices.ContainsFunc(builds, p.s.wants)
}

// wants reports whether a build is as young as what is read. One of which nobody knows when it began is.
func (s *jobState) wants(b build) bool {
	at := b.started()
	return s.Floor.IsZero() || at.IsZero() || !at.Before(s.Floor)
}

// pending reads the next part of the first pending span. Places in Jenkins' list move: new builds push the others down,
// and deleted ones let them move up. Each part therefore begins with the last build of the part before; where that is
// not found, builds may have moved up past us, and we step back until we meet something known.
func (p *pass) pending(ctx context.Context) error {
	sp := &p.s.Pending[0]
	from, to := sp.At, sp.At+historySize
	if from > 0 {
		to++ // the first is known
	}
	page, _, err := p.page(ctx, from, to, "")
	if err != nil {
		return err
	}
	low, high := page.bounds()
	if from > 0 && high < sp.Below {
		sp.At = max(0, from-historySize)
		return p.save(ctx)
	}
	if p.anew(page.Builds) {
		*p.s = jobState{Floor: p.s.Floor, Rules: p.s.Rules}
		return p.newest(ctx)
	}
	within := slices.DeleteFunc(
		slices.Clone(page.Builds),
		func(b build) bool { return b.Number <= sp.Above || b.Number >= sp.Below },
	)
	if err := p.take(ctx, within, func(build) bool { return true }, sp.Again); err != nil {
		return err
	}
	if page.ends(to-from) || low <= sp.Above || p.tooOld(within) {
		p.s.Pending = p.s.Pending[1:]
		return p.save(ctx)
	}
	sp.Below = min(sp.Below, low)
	sp.At = from + page.shown - 1
	return p.save(ctx)
}

// open asks one by one for builds that are not final and were on no page of this pass, and for those that were set
// aside.
func (p *pass) open(ctx context.Context) error {
	s, changed := p.s, false
	for _, n := range slices.Sorted(maps.Keys(s.Open)) {
		if p.seen[n] || p.state.Failed.Has(p.heldKey(n)) {
			continue
		}
		changed = true
		if p.Now().Sub(instant(s.Open[n])) > openFor {
			delete(s.Open, n)
			continue
		}
		b, there, err := p.one(ctx, n)
		switch {
		case err != nil:
			if err := p.hold(build{Number: n}, err); err != nil {
				return err
			}
		case !there:
			delete(s.Open, n)
		default:
			if err := p.take(ctx, []build{b}, func(build) bool { return false }, false); err != nil {
				return err
			}
		}
	}
	again, err := p.heldBuilds(ctx)
	if err != nil || !changed && !again {
		return err
	}
	return p.save(ctx)
}

// one reads one build; false where Jenkins does not have it (anymore).
func (p *pass) one(ctx context.Context, n int) (build, bool, error) {
	var b build
	_, err := p.Get(ctx, jobPath(p.job.names)+strconv.Itoa(n)+"/api/json?tree="+url.QueryEscape(p.buildFields()), "", &b)
	if rest.IsGone(err) {
		return build{}, false, nil
	}
	return b, b.Number == n, err
}
