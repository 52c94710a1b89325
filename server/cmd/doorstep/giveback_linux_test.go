package main

import (
	"slices"
	"testing"
)

const someMaps = `00400000-01b80000 r-xp 00000000 fe:00 11985495                           /usr/bin/doorstep
01b80000-033cd000 r--p 01780000 fe:00 11985495                           /usr/bin/doorstep
033cd000-03794000 rw-p 02fcd000 fe:00 11985495                           /usr/bin/doorstep
03794000-03795000 r--s 02fcd000 fe:00 11985495                           /usr/bin/doorstep
05000000-05001000 ---p 00000000 fe:00 11985495                           /usr/bin/doorstep
24beba000000-24bebcc00000 rw-p 00000000 00:00 0
7f8011823000-7f8011979000 r-xp 00026000 fe:00 326269                     /usr/lib/libc.so.6
7f8011979000-7f8011980000 r--p 00026000 fe:00 326269                     /usr/bin/doorstep.old
nonsense r--p 00000000 fe:00 1 /usr/bin/doorstep
7ffc0000-7ffd0000
`

// Only what cannot have been written is taken out: data would be lost, and other files are not ours.
func TestReadOnlyPartsOfTheBinaryAreFound(t *testing.T) {
	want := []span{{0x400000, 0x1b80000}, {0x1b80000, 0x33cd000}}
	if got := readOnly(someMaps, "/usr/bin/doorstep"); !slices.Equal(got, want) {
		t.Errorf("found %x, want %x", got, want)
	}
	if got := readOnly(someMaps, "/usr/bin/other"); got != nil {
		t.Errorf("found %x of a file that is not mapped", got)
	}
}

// The program goes on after its pages were taken out, and they come back.
func TestProgramGoesOnWithoutItsPages(t *testing.T) {
	for range 3 {
		giveBack()
		if got := readOnly(someMaps, "/usr/bin/doorstep"); len(got) != 2 {
			t.Fatalf("found %x", got)
		}
	}
}
