//go:build race

package main

// allowedGrowth is how far the memory of dxctl serve may grow under 40 half-sent bodies, in MB.
const allowedGrowth = 350
