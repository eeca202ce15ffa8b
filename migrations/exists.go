package migrations

import "strings"

// alreadyExists reports whether ClickHouse refused to create an object that exists. It searches the text of the error
// for its name, so that this package needs no driver.
func alreadyExists(err error) bool {
	text := err.Error()
	for _, name := range []string{
		"TABLE_ALREADY_EXISTS",
		"already exists",
		"DUPLICATE_COLUMN",
		"ILLEGAL_COLUMN: already",
	} {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}
