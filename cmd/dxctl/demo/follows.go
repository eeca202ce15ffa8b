package demo

import (
	"encoding/json"
	"time"

	"github.com/dxctl/dxctl/repository/named"
)

// follows returns what the lock file of a service says about its golden path, by the language of its repository. A
// repository that never moved to the template follows none.
func (o *Organization) follows(s service, language any, at time.Time) map[string]any {
	found := map[string]any{
		"golden_path.followed": s.adopts >= 0, "golden_path.name": "", "golden_path.version": "",
		"golden_path.drift": none, "golden_path.declined": o.declines(s, at),
	}
	if s.adopts < 0 {
		return found
	}
	name, version := GoldenPath, "3.2.0"
	switch language {
	case "TypeScript":
		name, version = "node-service", "1.0.0"
	case "Java":
		name, version = "java-service", "1.0.0"
	case "Python":
		name, version = "python-service", "1.0.0"
	}
	found["golden_path.name"], found["golden_path.version"] = name, version
	if s.name == "notification-service" {
		found["golden_path.drift"] = []string{".editorconfig: it was changed since the golden path wrote it"}
	}
	return found
}

// declines returns what a service declines in its lock file: payment-service, until the end of the quarter after next.
func (o *Organization) declines(s service, at time.Time) []string {
	if s.name != "payment-service" {
		return none
	}
	text, err := json.Marshal(named.Decline{
		Rule: "production-protected", Reason: "The change board approves deployments until its tool is replaced.",
		By: "user:default/" + o.somebodyOf(s.name), Until: at.AddDate(0, 4, 0).Format(time.DateOnly),
	})
	if err != nil {
		panic(err) // texts can always be encoded
	}
	return []string{string(text)}
}
