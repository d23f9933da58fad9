//go:build !race

package refusals

const shapesTried = 6
