package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/dxctl/dxctl/store/guard"
)

// ErrGrantsHidden reports that the user of dxctl may not see what other users of the server may do.
var ErrGrantsHidden = errors.New("the user of dxctl has no right to see the grants of others (SHOW USERS, SHOW ROLES)")

// grant is a row of system.grants: a right to select, or that it was taken away from what a wider grant gave.
type grant struct {
	User     *string `ch:"user_name"`
	Role     *string `ch:"role_name"`
	Database *string `ch:"database"` // null: all
	Table    *string `ch:"table"`    // null: all
	Revoked  bool    `ch:"revoked"`
}

// roleGrant is a row of system.role_grants: who has a role.
type roleGrant struct {
	User    *string `ch:"user_name"`
	Role    *string `ch:"role_name"`
	Granted string  `ch:"granted_role_name"`
}

const (
	grantsSQL = `SELECT user_name, role_name, database, table, is_partial_revoke = 1 AS revoked
FROM system.grants WHERE access_type = 'SELECT'`
	roleGrantsSQL = `SELECT user_name, role_name, granted_role_name FROM system.role_grants`
)

// AnswerReaders returns the users of the server, other than that of dxctl, who can read the database of the answers of
// surveys, and its name. There are none in an embedded store, and where the database does not exist. The error is
// [ErrGrantsHidden] if the server does not tell.
func (s *Store) AnswerReaders(ctx context.Context) (users []string, database string, err error) {
	database = s.database + guard.ApartSuffix
	if s.engine != nil {
		return nil, database, nil
	}
	var exists []struct {
		Self string `ch:"self"`
	}
	err = s.Select(ctx, &exists, "SELECT currentUser() AS self FROM system.databases WHERE name = {name:String}",
		map[string]any{"name": database})
	if err != nil || len(exists) == 0 {
		return nil, database, err
	}
	var grants []grant
	var roles []roleGrant
	for _, q := range []struct {
		sql  string
		dest any
	}{{grantsSQL, &grants}, {roleGrantsSQL, &roles}} {
		err := s.Select(ctx, q.dest, q.sql, nil)
		var denied *clickhouse.Exception
		switch {
		case errors.As(err, &denied) && denied.Code == accessDenied:
			return nil, database, ErrGrantsHidden
		case err != nil:
			return nil, database, fmt.Errorf("finding out who can read the database %s: %w", database, err)
		}
	}
	users = slices.DeleteFunc(readersOf(database, grants, roles), func(u string) bool { return u == exists[0].Self })
	return users, database, nil
}

// grantee is a user or a role.
type grantee struct {
	name string
	role bool
}

func granteeOf(user, role *string) grantee {
	if user != nil {
		return grantee{name: *user}
	}
	if role != nil {
		return grantee{*role, true}
	}
	return grantee{}
}

// readersOf returns the users who can select from a table of a database, by themselves or by a role.
func readersOf(database string, grants []grant, roles []roleGrant) []string {
	granted, revoked := map[grantee]bool{}, map[grantee]bool{}
	for _, g := range grants {
		if g.Database != nil && !covers(*g.Database, database) {
			continue
		}
		of := granteeOf(g.User, g.Role)
		switch {
		case !g.Revoked:
			granted[of] = true
		case g.Table == nil: // a revoked table leaves the others
			revoked[of] = true
		}
	}
	for of := range revoked {
		delete(granted, of)
	}
	for changed := true; changed; { // roles can have roles
		changed = false
		for _, r := range roles {
			of := granteeOf(r.User, r.Role)
			if granted[grantee{r.Granted, true}] && !granted[of] {
				granted[of], changed = true, true
			}
		}
	}
	var users []string
	for of := range granted {
		if !of.role && of.name != "" {
			users = append(users, of.name)
		}
	}
	slices.Sort(users)
	return users
}

// covers reports whether the database of a grant, which may end with *, is a database.
func covers(of, database string) bool {
	if prefix, wild := strings.CutSuffix(of, "*"); wild {
		return strings.HasPrefix(database, prefix)
	}
	return of == database
}
