package attachments

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// A recording in MP4 may tell where it was made: in boxes of metadata at many levels (udta, meta, uuid), in what an
// earlier program left in free space, or in a track of its own that runs beside picture and sound. All of these are
// overwritten where they stand, so that no other box moves: the first become free space, the samples of the last become
// zeros. What plays, plays as before.

// errUnclean reports a file that cannot be read well enough to clear it of what is hidden in it.
var errUnclean = errors.New("attachments: the file cannot be cleared of metadata")

// edit is a part of a file that is written anew: text, or zeros where that is nil.
type edit struct {
	from, to int64
	text     []byte
}

// mostBox bounds a box that describes a recording; only those that hold picture and sound are longer.
const mostBox = 32 << 20

// mp4Scan finds what is hidden in an MP4 that is written to it piece by piece.
type mp4Scan struct {
	at       int64  // of the next byte
	box      []byte // the box that is under way, as far as it is needed
	size     int64  // of the box; 0: its header is under way
	from     int64  // where the box begins
	toEnd    bool   // the box goes on to the end of the file
	fragment bool   // there are movie fragments
	unclear  bool   // a track was taken out whose samples may be in fragments
	edits    []edit
	position bool
	err      error
}

// Write takes the next bytes. It never fails: see end.
func (s *mp4Scan) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && s.err == nil {
		if s.size == 0 && !s.toEnd {
			take := min(16-len(s.box), len(p))
			s.box = append(s.box, p[:take]...)
			s.at, p = s.at+int64(take), p[take:]
			if len(s.box) == 16 {
				s.begin()
			}
			continue
		}
		take := int64(len(p))
		if !s.toEnd {
			take = min(take, s.from+s.size-s.at)
		}
		if s.needed() {
			if int64(len(s.box))+take > mostBox {
				s.err = errUnclean
				break
			}
			s.box = append(s.box, p[:take]...)
		}
		s.at, p = s.at+take, p[take:]
		if !s.toEnd && s.at == s.from+s.size {
			s.finish()
		}
	}
	return n, nil
}

// begin reads the header of a box of the file. Its first 16 bytes are there; a shorter box gives some back.
func (s *mp4Scan) begin() {
	size, head := boxSize(s.box)
	switch {
	case size == 0:
		s.toEnd = true
	case size < int64(head):
		s.err = errUnclean
	case size < 16: // the next box has begun
		next := slices.Clone(s.box[size:])
		s.box, s.size = s.box[:size], size
		s.at -= int64(len(next))
		s.finish()
		_, _ = s.Write(next)
	default:
		s.size = size
		if size == 16 {
			s.finish()
		}
	}
}

// needed tells whether the content of the box is looked at.
func (s *mp4Scan) needed() bool { return string(s.box[4:8]) != "mdat" }

// finish looks at a whole box and waits for the next.
func (s *mp4Scan) finish() {
	if s.needed() {
		s.boxes(s.box, s.from, 0)
	}
	s.box, s.size, s.from = s.box[:0], 0, s.at
}

// end says what must be written anew, in order and without overlaps, and whether any of it told a position. errUnclean.
func (s *mp4Scan) end() (edits []edit, position bool, err error) {
	switch {
	case s.err != nil:
	case s.toEnd || s.size > 0 && !s.needed(): // a recording that was cut off has its picture and sound
		if s.needed() {
			s.size = s.at - s.from
			s.finish()
		}
	case s.size > 0 || len(s.box) > 0 && len(s.box) < 8:
		s.err = errUnclean
	case len(s.box) > 0 && s.needed(): // a short one at the end
		s.boxes(s.box, s.from, 0)
	}
	if s.err != nil || s.unclear && s.fragment {
		return nil, false, errUnclean
	}
	slices.SortStableFunc(s.edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	for _, e := range s.edits {
		if n := len(edits); n > 0 && e.from < edits[n-1].to {
			last := &edits[n-1]
			if e.to <= last.to {
				continue
			}
			e.from = last.to
		}
		edits = append(edits, e)
	}
	return edits, s.position, nil
}

// boxSize reads how long a box and its header are; 0: it goes on to the end.
func boxSize(box []byte) (size int64, head int) {
	size, head = int64(binary.BigEndian.Uint32(box)), 8
	if size == 1 && len(box) >= 16 {
		large := binary.BigEndian.Uint64(box[8:])
		if large > 1<<62 {
			return -1, 16
		}
		return int64(large), 16
	}
	return size, head
}

// containers are the boxes that hold boxes.
var containers = []string{"moov", "trak", "edts", "mdia", "minf", "dinf", "stbl", "mvex", "moof", "traf", "mfra"}

// boxes looks through boxes that stand one after another from a place in the file on.
func (s *mp4Scan) boxes(data []byte, from int64, depth int) {
	for len(data) > 0 && s.err == nil {
		if len(data) < 8 {
			if len(bytes.Trim(data, "\x00")) > 0 || len(data)%4 != 0 {
				s.err = errUnclean
			}
			return // QuickTime ends a list with zeros
		}
		size, head := boxSize(data)
		if size == 0 && depth == 0 {
			size = int64(len(data))
		}
		if size < int64(head) || size > int64(len(data)) || depth > 10 {
			s.err = errUnclean
			return
		}
		box, inner := data[:size], data[head:size]
		switch typ := string(box[4:8]); {
		case typ == "udta" || typ == "meta" || typ == "uuid" || typ == "free" || typ == "skip" || typ == "wide":
			s.blank(box, from, head)
		case typ == "trak":
			if handler := handlerOf(inner); handler != "" && !slices.Contains(played, handler) {
				s.track(box, inner, from, head)
			} else {
				s.boxes(inner, from+int64(head), depth+1)
			}
		case slices.Contains(containers, typ):
			s.fragment = s.fragment || typ == "moof"
			s.boxes(inner, from+int64(head), depth+1)
		}
		data, from = data[size:], from+size
	}
}

// blank makes free space of a box.
func (s *mp4Scan) blank(box []byte, from int64, head int) {
	inner := box[head:]
	s.position = s.position || tellsPosition(inner)
	if string(box[4:8]) != "free" {
		s.edits = append(s.edits, edit{from + 4, from + 8, []byte("free")})
	}
	if len(bytes.Trim(inner, "\x00")) > 0 {
		s.edits = append(s.edits, edit{from + int64(head), from + int64(len(box)), nil})
	}
}

// tellsPosition tells whether metadata tells a place, as phones and editors write it.
func tellsPosition(data []byte) bool {
	for _, name := range []string{"\xa9xyz", "loci", "ISO6709", "GPSLatitude", "GPSCoordinates", "camm", "gpmd"} {
		if bytes.Contains(data, []byte(name)) {
			return true
		}
	}
	return false
}

// played are the handlers of the tracks that a player plays: picture, sound and text.
var played = []string{"vide", "soun", "auxv", "text", "sbtl", "subt", "clcp", "tmcd"}

// handlerOf is the handler of a track; "" where it has none.
func handlerOf(trak []byte) string {
	hdlr := find(find(trak, "mdia"), "hdlr")
	if len(hdlr) < 12 {
		return ""
	}
	return string(hdlr[8:12])
}

// find gives the content of the first box of a type among others; nil where there is none.
func find(data []byte, typ string) []byte {
	for len(data) >= 8 {
		size, head := boxSize(data)
		if size < int64(head) || size > int64(len(data)) {
			return nil
		}
		if string(data[4:8]) == typ {
			return data[head:size]
		}
		data = data[size:]
	}
	return nil
}

// track takes a track out that a player does not play: its samples become zeros, and its description free space.
func (s *mp4Scan) track(box, inner []byte, from int64, head int) {
	s.unclear = true
	s.blank(box, from, head)
	table := find(find(find(inner, "mdia"), "minf"), "stbl")
	sizes, runs := find(table, "stsz"), find(table, "stsc")
	offsets, wide := find(table, "stco"), 4
	if offsets == nil {
		offsets, wide = find(table, "co64"), 8
	}
	if len(sizes) < 12 || len(runs) < 8 || len(offsets) < 8 {
		s.err = errUnclean
		return
	}
	one, samples := int64(binary.BigEndian.Uint32(sizes[4:])), int(binary.BigEndian.Uint32(sizes[8:]))
	sizes, runs, offsets = sizes[12:], runs[8:], offsets[8:]
	sample := 0
	for chunk, run := 1, 0; len(offsets) >= wide && len(runs) >= 12; chunk++ {
		for len(runs) >= 24 && chunk >= int(binary.BigEndian.Uint32(runs[12:])) {
			runs = runs[12:]
		}
		run = int(binary.BigEndian.Uint32(runs[4:]))
		at := int64(binary.BigEndian.Uint32(offsets))
		if wide == 8 {
			at = int64(binary.BigEndian.Uint64(offsets) & (1<<62 - 1))
		}
		offsets = offsets[wide:]
		length := int64(0)
		if one > 0 {
			length = one * int64(min(run, samples-sample))
			sample += min(run, samples-sample)
		} else {
			for range run {
				if sample >= samples || len(sizes) < 4*(sample+1) {
					break
				}
				length += int64(binary.BigEndian.Uint32(sizes[4*sample:]))
				sample++
			}
		}
		if length > 0 {
			s.edits = append(s.edits, edit{at, at + length, nil})
		}
	}
	if sample < samples {
		s.err = errUnclean // some of them were not found
	}
}

// apply writes edits, which are in order, into a piece of the file that begins at a place.
func apply(edits []edit, at int64, piece []byte) {
	first, _ := slices.BinarySearchFunc(edits, at, func(e edit, at int64) int { return cmp.Compare(e.to, at+1) })
	for _, e := range edits[first:] {
		if e.from >= at+int64(len(piece)) {
			return
		}
		for i := max(e.from, at); i < min(e.to, at+int64(len(piece))); i++ {
			piece[i-at] = 0
			if e.text != nil {
				piece[i-at] = e.text[i-e.from]
			}
		}
	}
}
