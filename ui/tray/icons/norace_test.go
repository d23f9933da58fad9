//go:build !race

package icons

// drawn are the looks that are drawn.
var drawn = []Look{Light, Dark, Outlined, Template}
