package migrations

import "strings"

// alreadyExists reports whether ClickHouse refused to make something that is there. The name of the error is looked
// for in its text, so that this package needs no driver.
func alreadyExists(err error) bool {
	text := err.Error()
	for _, name := range []string{"TABLE_ALREADY_EXISTS", "already exists", "DUPLICATE_COLUMN", "ILLEGAL_COLUMN: already"} {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}
