package web

// Build is New with the assets given.
var Build = build
