package webhook

// gitlab reads the webhooks of GitLab.
type gitlab struct {
	r *Receiver
	s Source
}

func (g gitlab) parse(d Delivery) ([]Update, Verdict) {
	return ignored("not used")
}
