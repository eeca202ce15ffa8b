package questionnaire

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/surveys"
)

// The index needs four statements in each of its dimensions, of which one at least says the opposite.
func TestItems(t *testing.T) {
	number, reversed, keys := map[surveys.Dimension]int{}, map[surveys.Dimension]int{}, map[string]bool{}
	for _, i := range Items() {
		if keys[i.Key] {
			t.Errorf("key %s twice", i.Key)
		}
		keys[i.Key] = true
		number[i.Dimension]++
		if i.Reversed {
			reversed[i.Dimension]++
		}
	}
	for _, d := range surveys.Dimensions[:3] {
		if number[d] < 4 || reversed[d] < 1 {
			t.Errorf("%s has %d items, %d of them reversed", d, number[d], reversed[d])
		}
	}
	if number[surveys.Satisfaction] != 1 || number[surveys.Recommend] != 1 {
		t.Errorf("items by dimension: %v", number)
	}
}

func TestWrite(t *testing.T) {
	for _, format := range Formats {
		out, err := Write(format)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range Items() {
			if !strings.Contains(out, i.Text) {
				t.Errorf("%s lacks %q", format, i.Text)
			}
		}
	}
	table, err := Write("csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil || len(rows) != len(Items())+1 {
		t.Errorf("%d rows of CSV, %v", len(rows), err)
	}
	form, err := Write("google-forms")
	if err != nil || strings.Count(form, "{") != strings.Count(form, "}") || strings.Count(form, "(") != strings.Count(form, ")") {
		t.Errorf("the script has brackets that do not match: %v\n%s", err, form)
	}
	if _, err := Write("pdf"); err == nil {
		t.Error("a format that does not exist was written")
	}
}
