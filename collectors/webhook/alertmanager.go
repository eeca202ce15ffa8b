package webhook

// alertmanager reads the webhooks of Alertmanager.
type alertmanager struct {
	r *Receiver
	s Source
}

func (g alertmanager) parse(d Delivery) ([]Update, Verdict) {
	return ignored("not used")
}
