package send

import "testing"

func TestCurrentJob(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want Job
	}{
		{"none", nil, Job{}},
		{"github", map[string]string{"GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_REPOSITORY": "o/r", "GITHUB_JOB": "ship", "GITHUB_SHA": "abc",
			"GITHUB_REF_NAME": "main", "GITHUB_ACTOR": "ana", "GITHUB_SERVER_URL": "https://github.example.com"},
			Job{"github/o/r/7/2/ship", "abc", "main", "ana", "https://github.example.com/o/r/actions/runs/7"}},
		{"gitlab", map[string]string{"GITLAB_CI": "true", "CI_PROJECT_PATH": "g/p", "CI_JOB_ID": "9", "CI_COMMIT_SHA": "abc", "CI_COMMIT_REF_NAME": "main"},
			Job{ID: "gitlab/g/p/9", SHA: "abc", Ref: "main"}},
		{"jenkins", map[string]string{"JENKINS_URL": "https://j", "BUILD_TAG": "jenkins-a-1", "GIT_BRANCH": "origin/main"}, Job{ID: "jenkins/jenkins-a-1", Ref: "main"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := CurrentJob(func(n string) string { return c.env[n] }); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
