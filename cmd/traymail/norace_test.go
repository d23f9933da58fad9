//go:build !race

package main

const (
	kills         = 50
	mistakesApart = 1
)
