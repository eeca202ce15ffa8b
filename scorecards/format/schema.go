package format

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// object is a part of a JSON schema. Its keys are written in alphabetical order.
type object map[string]any

// patterns are the regular expressions of the tag pattern.
var patterns = map[string]string{
	"id":   idPattern.String(),
	"date": `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`,
	"span": `^[1-9][0-9]{0,5}[mhdw]$`,
	"band": `^\s*(<=|>=|==|!=|<|>)\s*\S`,
	"url":  `^[hH][tT][tT][pP][sS]?://[^/?#@]+([/?#]|$)`,
}

// Schema returns the JSON schema (draft 2020-12) of a scorecard file, made of the types that files are decoded into.
// What only a compiled expression shows is left to the loader.
func Schema() ([]byte, error) {
	root := schemaOf(reflect.TypeFor[File](), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "dxctl scorecard, " + APIVersion
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return out, nil
}

// schemaOf returns the schema of a type. path is the place of its description.
func schemaOf(t reflect.Type, path string) object {
	switch {
	case t == reflect.TypeFor[Kinds]():
		word := object{"enum": ActionKinds}
		return object{"anyOf": []object{word, {"type": "array", "items": word, "minItems": 1}}}
	case t == reflect.TypeFor[Bands]():
		band := schemaOf(reflect.TypeFor[Band](), path)
		return object{"anyOf": []object{band, {"type": "array", "items": band, "minItems": 1}}}
	case t == reflect.TypeFor[event.FactType]():
		return object{"enum": types}
	case t == reflect.TypeFor[waiver.Origin]():
		return object{"enum": waiver.Origins}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), path)
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem(), path)}
	case reflect.Struct:
		return structSchema(t, path)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	}
	return object{"type": "string"}
}

func structSchema(t reflect.Type, path string) object {
	properties := object{}
	var required []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		property := schemaOf(field.Type, at)
		if text := descriptions[at]; text != "" {
			property["description"] = text
		}
		constrain(property, field.Tag)
		properties[name] = property
		if field.Tag.Get("required") != "" {
			required = append(required, name)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	switch t {
	case reflect.TypeFor[facts.Definition]():
		required = []string{"name", "type"}
	case reflect.TypeFor[Rule]():
		schema["allOf"] = ruleConditions()
	case reflect.TypeFor[File]():
		for _, name := range []string{"levels", "rules"} {
			if list, ok := properties[name].(object); ok {
				list["minItems"] = 1
			}
		}
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// constrain adds what the tags of a field say.
func constrain(property object, tag reflect.StructTag) {
	if words := tag.Get("enum"); words != "" && property["anyOf"] == nil {
		property["enum"] = strings.Split(words, ",")
	}
	if name := tag.Get("pattern"); name != "" {
		property["pattern"] = patterns[name]
	}
	for _, limit := range []struct{ tag, key string }{
		{"minimum", "minimum"}, {"maximum", "maximum"}, {"above", "exclusiveMinimum"},
	} {
		if n, err := strconv.Atoi(tag.Get(limit.tag)); err == nil {
			property[limit.key] = n
		}
	}
}

// ruleConditions are the conditions between the keys of a rule.
func ruleConditions() []object {
	has := func(keys ...string) object { return object{"required": keys} }
	is := func(key, value string) object {
		return object{"properties": object{key: object{"const": value}}, "required": []string{key}}
	}
	decided := object{"anyOf": []object{has("expr"), has("bands")}}
	return []object{
		{"anyOf": []object{has("expr"), has("bands"), has("review")}},
		{"not": has("expr", "bands")},
		{"if": is("status", Announced), "then": has("enforced_from"), "else": object{"not": has("enforced_from")}},
		{"if": has("applies_note"), "then": has("applies")},
		{"if": object{"allOf": []object{decided, has("review")}},
			"then": object{"properties": object{"review": has("when")}}},
		{"if": object{"not": decided}, "then": object{"properties": object{"review": object{"not": has("when")}}}},
	}
}

// descriptions are the texts that editors show, by path.
var descriptions = map[string]string{
	"apiVersion":  "Version of this format.",
	"kind":        "Always " + Kind + ".",
	"name":        "Name in addresses, stored grades and other scorecards.",
	"version":     "Version of the scorecard; 1 if absent.",
	"title":       "Name for people; the name if absent.",
	"description": "What the levels mean.",
	"owner":       "Ref of the group or user that answers for the rules, such as group:default/platform.",
	"filter":      "CEL over entity: the entities that are graded. If absent, every service.",
	"filter_note": "Sentence for the entities that the filter leaves out.",
	"levels":      "Levels, from the lowest; each has at least one rule.",
	"facts":       "Facts of your own that the rules use.",

	"waivers":      "Which waivers count. If absent, those of the files that dx.yaml names.",
	"waivers.from": "scorecards: the files of scorecards.waivers in dx.yaml; repository: " + waiver.RepositoryFile + ".",

	"gate":         "What rules without a verdict mean for dxctl gate. If absent, the gate is unknown.",
	"gate.unknown": "Of a rule that is unknown, in error or needs review.",
	"gate.stale":   "Of a rule whose facts are out of date.",

	"facts.name":        "Name that expressions use, such as security.score.",
	"facts.type":        "Type of the value.",
	"facts.unit":        "Unit of a number; share is a number from 0 to 1, shown as a percentage.",
	"facts.label":       "Noun phrase: the security score.",
	"facts.true":        "Sentence where a fact of type bool holds: it has an owner.",
	"facts.false":       "Sentence where it does not.",
	"facts.places":      "Whether the elements of a list are places: path:line: text.",
	"facts.source":      "Who provides the fact; shown where it is missing.",
	"facts.description": "One sentence.",

	"rules":               "Rules; each belongs to a level.",
	"rules.id":            "Id in addresses and stored grades; never use one again for another rule.",
	"rules.version":       "Increase it when the meaning changes; 1 if absent.",
	"rules.level":         "Level that needs the rule: one of levels.",
	"rules.title":         "What holds when the rule passes, in a few words.",
	"rules.why":           "Why the rule exists.",
	"rules.fix":           "What to do so that the rule passes.",
	"rules.effort":        "How long that usually takes.",
	"rules.owner":         "Ref of who answers for the rule; the owner of the scorecard if absent.",
	"rules.weight":        "Weight in the score; 1 if absent.",
	"rules.status":        "Stage in the life of the rule; enforced if absent.",
	"rules.enforced_from": "Day (UTC) from which an announced rule is enforced, such as 2027-02-01.",
	"rules.grace":         "A younger service is not judged by the rule, such as 30d.",
	"rules.freshness":     "Facts observed longer ago are out of date for the rule, such as 7d.",
	"rules.expr":          "CEL: true when the rule passes.",
	"rules.bands":         "Bands of one or several values, instead of expr; the worst verdict counts.",
	"rules.bands.value":   "CEL: the number, time or duration that is compared.",
	"rules.bands.pass":    "Comparison under which the rule passes, such as <= 10.",
	"rules.bands.warn":    "Comparison under which it warns, where it does not pass, such as <= 15.",
	"rules.applies":       "CEL: where it is false, the rule is not applicable.",
	"rules.applies_note":  "Sentence that says why the rule is not applicable.",
	"rules.review":        "When a person must look, because no fact can settle it.",
	"rules.review.when": "CEL: where it is true, a person must look. Only with expr or bands, which decide " +
		"otherwise.",
	"rules.review.note":       "Sentence that says what to look at.",
	"rules.evidence":          "CEL: a value to show with the verdict.",
	"rules.waivable":          "Whether the rule can be waived; true if absent.",
	"rules.action":            "What makes the rule pass.",
	"rules.action.kind":       "A patch of files, a setting, an issue for a person, or a list of them.",
	"rules.action.command":    "Command to run.",
	"rules.controls":          "Controls of public standards that the rule shows where it passes.",
	"rules.controls.standard": "osps (OSPS Baseline), scorecard (OpenSSF Scorecard) or slsa.",
	"rules.controls.control":  "Id of the control, such as OSPS-AC-03.01.",
	"rules.controls.shows":    "whole if a service that passes meets all of the control, part otherwise.",
	"rules.controls.note":     "Limits of what is shown, as a sentence.",
	"rules.links":             "Pages to read; the first is the documentation of the rule.",
	"rules.links.title":       "Title of the page.",
	"rules.links.url":         "Address, beginning with https:// or http://.",
}
