package attachments

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// box is a box of an MP4 with what it holds.
func box(typ string, parts ...[]byte) []byte {
	inner := slices.Concat(parts...)
	out := binary.BigEndian.AppendUint32(nil, uint32(len(inner)+8))
	return append(append(out, typ...), inner...)
}

// words are numbers of 32 bits.
func words(n ...uint32) (out []byte) {
	for _, x := range n {
		out = binary.BigEndian.AppendUint32(out, x)
	}
	return out
}

// trackOf is a track of a handler, whose samples of the given sizes lie in chunks of two at the given places.
func trackOf(handler string, sizes, places []uint32, more ...[]byte) []byte {
	hdlr := box("hdlr", words(0, 0), []byte(handler), make([]byte, 13))
	table := box("stbl", box("stsd", words(0, 0)), box("stsz", words(0, 0, uint32(len(sizes))), words(sizes...)),
		box("stsc", words(0, 1, 1, 2, 1)), box("stco", words(0, uint32(len(places))), words(places...)))
	return box("trak", append(more, box("tkhd", make([]byte, 84)), box("mdia", hdlr, box("minf", table)))...)
}

// telling is an MP4 that tells where it was made in all ways that are known here.
func telling() []byte {
	secret := func(typ string) []byte { return box(typ, []byte("SECRET of "+typ+" \xa9xyz+38.7-9.1/ ISO6709")) }
	at := uint32(len(box("ftyp", []byte("isom")))+8) + 8
	media := []byte("PICTURE1SECRETgpsPICTURE2SECRETend!")
	mdat := box("mdat", make([]byte, 8), media)
	return slices.Concat(box("ftyp", []byte("isom")), mdat, secret("free"), secret("uuid"), secret("meta"),
		box("moov", box("mvhd", make([]byte, 100)), secret("udta"),
			trackOf("vide", []uint32{8, 8}, []uint32{at}, secret("udta"), secret("meta")),
			trackOf("meta", []uint32{6, 3, 6, 4}, []uint32{at + 8, at + 25}, box("udta", []byte("SECRET"))),
			secret("uuid"), secret("meta"), secret("skip")), secret("wide"))
}

// cleared is a file as it is kept; nil with an error.
func cleared(file []byte, cut func(left int) int) (out []byte, position bool, err error) {
	var s mp4Scan
	for at := 0; at < len(file); {
		n := cut(len(file) - at)
		_, _ = s.Write(file[at : at+n])
		at += n
	}
	edits, position, err := s.end()
	if err != nil {
		return nil, false, err
	}
	out = slices.Clone(file)
	for at := 0; at < len(out); {
		n := cut(len(out) - at)
		apply(edits, int64(at), out[at:at+n])
		at += n
	}
	return out, position, nil
}

func whole(left int) int { return left }

// TestAnMP4IsClearedOfWhatIsHiddenInIt overwrites metadata at every level and a track of positions, and leaves all else
// where and as it is.
func TestAnMP4IsClearedOfWhatIsHiddenInIt(t *testing.T) {
	file := telling()
	out, position, err := cleared(file, whole)
	if err != nil || !position || len(out) != len(file) {
		t.Fatalf("%v, a position: %t, %d of %d bytes", err, position, len(out), len(file))
	}
	if n := bytes.Count(file, []byte("SECRET")); n != 13 || bytes.Contains(out, []byte("SECRET")) {
		t.Errorf("of %d secrets are left: %q", n, out)
	}
	if !bytes.Contains(out, []byte("PICTURE1")) || !bytes.Contains(out, []byte("PICTURE2")) {
		t.Errorf("the picture is gone: %q", out)
	}
	kept := func(data []byte, into string) (types []string) {
		for data = find(data, into); len(data) > 0; {
			size, _ := boxSize(data)
			types, data = append(types, string(data[4:8])), data[size:]
		}
		return types
	}
	if got := strings.Join(kept(out, "moov"), " "); got != "mvhd free trak free free free free" {
		t.Errorf("moov has %s", got)
	}
	if got := strings.Join(kept(find(out, "moov"), "trak"), " "); got != "free free tkhd mdia" {
		t.Errorf("the picture's track has %s", got)
	}
	dice := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		pieces := func(left int) int { return 1 + dice.IntN(min(left, 40)) }
		if again, _, err := cleared(file, pieces); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("in pieces it becomes another file: %v", err)
		}
	}
	plain := slices.Concat(box("ftyp", []byte("isom")), box("moov", trackOf("vide", []uint32{1}, []uint32{9})),
		box("mdat", []byte("x")))
	if again, position, err := cleared(plain, whole); err != nil || position || !bytes.Equal(again, plain) {
		t.Errorf("a file with nothing hidden: %v, a position: %t", err, position)
	}
}

// TestAnMP4ThatCannotBeReadIsNotKept has boxes that do not fit into each other. A recording that was cut off in its
// picture and sound is kept: the phone may have stopped.
func TestAnMP4ThatCannotBeReadIsNotKept(t *testing.T) {
	head := box("ftyp", []byte("isom"))
	large := append(words(1), append([]byte("mdat"), words(0, 24, 1, 2)...)...)
	endless := append(words(0), "mdat and so on"...)
	three := trackOf("meta", []uint32{1, 1, 1}, []uint32{9})
	fragments := slices.Concat(box("moov", trackOf("meta", []uint32{1}, []uint32{9})), box("moof", box("traf")))
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"a box that is too short":          {append(head, words(4, 0, 0, 0)...), errUnclean},
		"a box without its end":            {append(head, box("moov", make([]byte, 90))[:40]...), errUnclean},
		"a child longer than its parent":   {append(head, box("moov", words(99), []byte("trak"))...), errUnclean},
		"bytes at the end of a box":        {append(head, box("moov", box("trak"), []byte("abcd"))...), errUnclean},
		"zeros at the end of a box":        {append(head, box("moov", box("trak"), words(0))...), nil},
		"positions whose place is unknown": {append(head, box("moov", three)...), errUnclean},
		"positions in fragments":           {append(head, fragments...), errUnclean},
		"picture and sound without an end": {append(head, endless...), nil},
		"picture and sound that were cut":  {append(head, box("mdat", make([]byte, 90))[:50]...), nil},
		"a long size":                      {append(head, large...), nil},
		"boxes in boxes in boxes":          {append(head, deep(20)...), errUnclean},
		"nothing":                          {nil, nil},
	} {
		if _, _, err := cleared(c.file, whole); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// deep is a box in a box in a box, and so on.
func deep(n int) []byte {
	if n == 0 {
		return nil
	}
	return box("edts", deep(n-1))
}

// FuzzMP4 clears any file: it ends, does the same in pieces, and what it has cleared needs no clearing.
func FuzzMP4(f *testing.F) {
	f.Add(telling(), uint8(7))
	f.Add(append(box("ftyp"), deep(3)...), uint8(1))
	f.Fuzz(func(t *testing.T, file []byte, n uint8) {
		out, _, err := cleared(file, whole)
		again, _, other := cleared(file, func(left int) int { return min(left, int(n)+1) })
		if !errors.Is(err, other) || !bytes.Equal(out, again) {
			t.Fatalf("whole %v, in pieces %v", err, other)
		}
		if err != nil {
			return
		}
		if twice, _, err := cleared(out, whole); err == nil && !bytes.Equal(twice, out) {
			t.Fatalf("cleared again it is another file")
		}
	})
}
