package attachments

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// thumbnailSide is the longer side of a small picture, in pixels.
const thumbnailSide = 480

// errPicture reports bytes that are no picture of the type they are said to be, or one with too many pixels.
var errPicture = errors.New("attachments: this is no picture that can be shown")

// picture is a picture as it is kept.
type picture struct {
	bytes         []byte
	mediaType     string
	width, height int
	thumbnail     []byte // JPEG
	hadPosition   bool
}

// rewrite decodes a picture within a bound of pixels, turns it upright, and writes it and a small one anew: nothing
// but its pixels is left. A JPEG stays one; of the others, one that is see-through becomes a PNG. errPicture.
func rewrite(mediaType string, from []byte, mostPixels int) (picture, error) {
	decode, config := jpeg.Decode, jpeg.DecodeConfig
	switch mediaType {
	case "image/png":
		decode, config = png.Decode, png.DecodeConfig
	case "image/webp":
		decode, config = webp.Decode, webp.DecodeConfig
	}
	size, err := config(bytes.NewReader(from))
	if err != nil || size.Width < 1 || size.Height < 1 || size.Width > mostPixels/size.Height {
		return picture{}, errPicture
	}
	img, err := decode(bytes.NewReader(from))
	if err != nil {
		return picture{}, errPicture
	}
	hidden := hiddenIn(mediaType, from)
	img = upright(img, hidden.orientation)
	p := picture{mediaType: "image/jpeg", width: img.Bounds().Dx(), height: img.Bounds().Dy(),
		hadPosition: hidden.position}
	var out bytes.Buffer
	if mediaType == "image/png" || mediaType == "image/webp" && !opaque(img) {
		p.mediaType = "image/png"
		err = png.Encode(&out, img)
	} else {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: 90})
	}
	if err != nil {
		return picture{}, err
	}
	p.bytes = out.Bytes()
	var small bytes.Buffer
	if err := jpeg.Encode(&small, shrink(img), &jpeg.Options{Quality: 80}); err != nil {
		return picture{}, err
	}
	p.thumbnail = small.Bytes()
	return p, nil
}

func opaque(img image.Image) bool {
	o, is := img.(interface{ Opaque() bool })
	return is && o.Opaque()
}

// shrink makes a picture of at most thumbnailSide a side, on white.
func shrink(img image.Image) image.Image {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if long := max(w, h); long > thumbnailSide {
		w, h = max(1, w*thumbnailSide/long), max(1, h*thumbnailSide/long)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(out, out.Bounds(), img, img.Bounds(), draw.Over, nil)
	return out
}

// upright turns a picture as its EXIF orientation says, 1 to 8; 1 and others leave it as it is.
func upright(img image.Image, orientation int) image.Image {
	if orientation < 2 || orientation > 8 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		out = image.NewNRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			out.Set(tx, ty, img.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return out
}
