package webhook

// circleci reads the webhooks of CircleCI.
type circleci struct {
	r *Receiver
	s Source
}

func (g circleci) parse(d Delivery) ([]Update, Verdict) {
	return ignored("not used")
}
