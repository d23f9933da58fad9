//go:build race

package refusals

// shapesTried is how many shapes of the collected texts are read with the race
// detector, which slows that down tenfold; without it all are.
const shapesTried = 1
