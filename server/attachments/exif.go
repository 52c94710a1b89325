package attachments

import (
	"bytes"
	"encoding/binary"
)

// hidden is what stands in a picture's file beside its pixels, as far as it matters here.
type hidden struct {
	orientation int  // of EXIF, 1 to 8; 0: it does not say
	position    bool // it tells where it was taken
}

// hiddenIn reads what a picture's file says of orientation and position. What it cannot read says nothing.
func hiddenIn(mediaType string, file []byte) (out hidden) {
	note := func(data []byte) {
		if tiff, is := bytes.CutPrefix(data, []byte("Exif\x00\x00")); is {
			data = tiff
		}
		found := readTIFF(data)
		out.position = out.position || found.position || bytes.Contains(data, []byte("GPSLatitude"))
		if out.orientation == 0 {
			out.orientation = found.orientation
		}
	}
	switch mediaType {
	case "image/jpeg":
		for at := 2; at+4 <= len(file) && file[at] == 0xff; {
			marker, size := file[at+1], int(binary.BigEndian.Uint16(file[at+2:]))
			if marker == 0xda || size < 2 || at+2+size > len(file) {
				break
			}
			if marker == 0xe1 { // EXIF or XMP
				note(file[at+4 : at+2+size])
			}
			at += 2 + size
		}
	case "image/png":
		for at := 8; at+12 <= len(file); {
			size, kind := int(binary.BigEndian.Uint32(file[at:])), string(file[at+4:at+8])
			if size < 0 || size > len(file)-at-12 {
				break
			}
			if kind == "eXIf" || kind == "iTXt" {
				note(file[at+8 : at+8+size])
			}
			at += 12 + size
		}
	case "image/webp":
		for at := 12; at+8 <= len(file); {
			kind, size := string(file[at:at+4]), int(binary.LittleEndian.Uint32(file[at+4:]))
			if size < 0 || size > len(file)-at-8 {
				break
			}
			if kind == "EXIF" || kind == "XMP " {
				note(file[at+8 : at+8+size])
			}
			at += 8 + size + size&1
		}
	}
	return out
}

// The tags of EXIF that matter here.
const (
	tagOrientation = 0x0112
	tagGPS         = 0x8825
)

// readTIFF reads the first directory of EXIF data.
func readTIFF(data []byte) (out hidden) {
	if len(data) < 8 {
		return out
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(data[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return out
	}
	entries := func(at uint32, fn func(tag uint16, value []byte)) {
		if uint64(at)+2 > uint64(len(data)) {
			return
		}
		n := int(order.Uint16(data[at:]))
		for i := range n {
			from := uint64(at) + 2 + 12*uint64(i)
			if from+12 > uint64(len(data)) {
				return
			}
			fn(order.Uint16(data[from:]), data[from+8:from+12])
		}
	}
	entries(order.Uint32(data[4:]), func(tag uint16, value []byte) {
		switch tag {
		case tagOrientation:
			out.orientation = int(order.Uint16(value))
		case tagGPS:
			entries(order.Uint32(value), func(tag uint16, _ []byte) {
				out.position = out.position || tag >= 1 && tag <= 4 // latitude and longitude, with their references
			})
		}
	})
	return out
}
