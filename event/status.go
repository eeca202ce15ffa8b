package event

import "fmt"

// Status is the state of a run or a deployment. The source's own word is kept as StatusRaw.
type Status string

// The statuses. Queued, waiting and running are open: the record will be read again. The others are final.
const (
	Queued    Status = "queued"
	Waiting   Status = "waiting" // for a person: an approval, a manual job
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
	Skipped   Status = "skipped"
)

// Final reports whether a record with this status will not move on by itself.
func (s Status) Final() bool {
	return s == Succeeded || s == Failed || s == Cancelled || s == Skipped
}

func (s Status) validate(kind Kind, id string) error {
	switch s {
	case Queued, Waiting, Running, Succeeded, Failed, Cancelled, Skipped:
		return nil
	}
	return fmt.Errorf("%s %s: unknown status %.80q", kind, beginning(id), string(s))
}
