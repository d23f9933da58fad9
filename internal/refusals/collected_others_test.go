package refusals

import (
	"path/filepath"
	"testing"
)

// TestRefusalsOfNetworksAndOtherProvidersCollectedInPublicAreExplainedAsJudgedInEveryShape
// reads the files of the collection that begin with "b-".
func TestRefusalsOfNetworksAndOtherProvidersCollectedInPublicAreExplainedAsJudgedInEveryShape(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "collected", "b-*.txt"))
	if err != nil || len(files) < 200 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, shape := range shapes[:shapesTried] {
		t.Run(shape.name, func(t *testing.T) {
			for _, file := range files {
				judged, text := readJudged(t, file)
				if a := Explain(shape.change(text)); !agrees(a, judged) {
					t.Errorf("%s\n is %s\n want %s", filepath.Base(file), told(a), judged)
				}
			}
		})
	}
}
