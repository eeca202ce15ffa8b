package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

const declaring = `sources:
  - name: scanner
    kind: events
    secret: ${NOT_SET_FOR_TEST}
    facts:
      - security.*
      - {name: security.open, type: number, label: the open findings}
  - name: sonar
    kind: http
    url: https://sonar.example.com/{name}
    facts:
      - {name: sonar.gate, type: bool, value: body.gate, true: the gate is open}
scorecards: {files: [card.yaml]}
`

const using = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: mine
levels: [bronze]
rules:
  - {id: a, level: bronze, title: A, effort: hours, expr: 'facts["security.open"] < 5 && facts["sonar.gate"]'}
`

// A scorecard uses the facts that sources declare, with their types, without the tokens of the sources.
func TestScorecardsUseWhatSourcesDeclare(t *testing.T) {
	for _, tt := range []struct{ name, card, want string }{
		{"declared by the sources", using, ""},
		{"a type that does not fit", strings.Replace(using, "< 5", "== 'five'", 1), "card.yaml:6:"},
		{"declared again with the same type", using + "facts: [{name: security.open, type: number, source: me}]\n", ""},
		{"declared again with another type", using + "facts: [{name: security.open, type: string}]\n",
			"card.yaml:7:37: fact security.open is a string here and a number at DIR/dx.yaml:7, where the source scanner " +
				"(kind events) declares it"},
		{"only a prefix is declared", strings.Replace(using, "security.open", "security.old", 1),
			`unknown fact "security.old": the source scanner (kind events) may report it, but its type is not declared; write ` +
				"{name: security.old, type: …} at DIR/dx.yaml:6"},
		{"misspelled", strings.Replace(using, "sonar.gate", "sonar.gat", 1), `did you mean facts["sonar.gate"]?`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"dx.yaml": declaring, "card.yaml": tt.card} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg, err := config.LoadScorecards(filepath.Join(dir, "dx.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			set, err := scorecards.Load(cfg, dir)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if set.Err() != nil {
				got = strings.ReplaceAll(set.Err().Error(), dir, "DIR")
			}
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.name == "declared by the sources" {
				wordsOfDeclared(t, set.Cards[0])
			}
		})
	}
}

func wordsOfDeclared(t *testing.T, card scorecards.Scorecard) {
	t.Helper()
	labels := map[string]string{}
	for _, f := range card.Facts {
		labels[f.Name] = f.Label + f.True + " " + string(f.Type) + " " + f.Source
	}
	if labels["security.open"] != "the open findings "+string(event.NumberFact)+" the source scanner (kind events)" ||
		labels["sonar.gate"] != "the gate is open "+string(event.BoolFact)+" the source sonar (kind http)" {
		t.Errorf("%v", labels)
	}
}
