package webhook

// argocd reads the webhooks of ArgoCD.
type argocd struct {
	r *Receiver
	s Source
}

func (g argocd) parse(d Delivery) ([]Update, Verdict) {
	return ignored("not used")
}
