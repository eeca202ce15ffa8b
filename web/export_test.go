package web

// Build is New with the assets given.
var Build = build

// MostCSVRows and the sizes of lists are the bounds of answers.
const (
	MostCSVRows = mostCSVRows
	ListSize    = listSize
	APIListSize = apiListSize
)

// Parameters returns the parameters of every address whose answers are made from records.
func Parameters() map[string][]string {
	a := &app{}
	all := map[string][]string{}
	for _, r := range append(a.pageRoutes(), a.apiRoutes()...) {
		all[r.path] = r.query
	}
	return all
}
