//go:build !race

package main

const (
	kills         = 100
	mistakesApart = 1
)
