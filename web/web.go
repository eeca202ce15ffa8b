// Package web holds the files that browsers load: style, scripts and the chart library. Its children serve them: server
// is the application, pages and api make the answers, route is what they have in common.
package web

import "embed"

// Assets holds the directory assets. Its vendor directory, with the chart library, is there after `make assets`; pages
// show their charts as tables without it.
//
//go:embed assets
var Assets embed.FS
