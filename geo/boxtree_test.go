package geo

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawBoxes draws boxes on a small grid, so that many touch.
func drawBoxes(t *rapid.T) []Box {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Box {
		x, y := rapid.Int32Range(0, 40).Draw(t, "x"), rapid.Int32Range(0, 40).Draw(t, "y")
		return Box{x, y, x + rapid.Int32Range(0, 6).Draw(t, "wide"), y + rapid.Int32Range(0, 6).Draw(t, "tall")}
	}), 0, 3*fanout*fanout).Draw(t, "boxes")
}

// items descends from the top and returns every item that a caller of Top and
// Children reaches through boxes that bound it.
func items(t *rapid.T, tree BoxTree) []int {
	var found []int
	var descend func(level, i int, b Box)
	descend = func(level, i int, b Box) {
		if level == 0 {
			found = append(found, i)
			return
		}
		first, boxes := tree.Children(level, i)
		for k, c := range boxes {
			if b.Union(c) != b {
				t.Fatalf("level %d: %v does not bound %v", level, b, c)
			}
			descend(level-1, first+k, c)
		}
	}
	level, boxes := tree.Top()
	for i, b := range boxes {
		descend(level, i, b)
	}
	return found
}

func TestEveryItemOfABoxTreeIsReachedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boxes := drawBoxes(t)
		found := items(t, NewBoxTree(boxes))
		if len(found) != len(boxes) || !slices.IsSorted(found) || len(slices.Compact(found)) != len(boxes) {
			t.Fatalf("%d boxes, reached %v", len(boxes), found)
		}
	})
}

func TestABoxTreeFindsWhatMeetsABox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boxes := drawBoxes(t)
		if len(boxes) == 0 {
			t.Skip("nothing to find")
		}
		x, y := rapid.Int32Range(0, 45).Draw(t, "x"), rapid.Int32Range(0, 45).Draw(t, "y")
		q := Box{x, y, x + 5, y + 5}
		var want, found []int
		for i, b := range boxes {
			if b.meets(q) {
				want = append(want, i)
			}
		}
		NewBoxTree(boxes).Search(q, func(i int) bool { found = append(found, i); return true })
		if !slices.Equal(found, want) {
			t.Fatalf("found %v, want %v", found, want)
		}
	})
}
