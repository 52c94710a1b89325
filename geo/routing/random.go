package routing

import (
	"math"
	"math/bits"
)

// random is a small generator of random numbers (wyrand).
type random struct{ state uint64 }

// next returns 64 random bits.
func (g *random) next() uint64 {
	g.state += 0xa0761d6478bd642f
	h, l := bits.Mul64(g.state, g.state^0xe7037ed1a0b428db)
	return h ^ l
}

// below returns a number from 0 up to but not including n, which is above 0.
func (g *random) below(n int) int {
	h, _ := bits.Mul64(g.next(), uint64(n))
	return int(h)
}

// unit returns a number from 0 up to but not including 1.
func (g *random) unit() float64 { return float64(g.next()>>11) / (1 << 53) }

// blinker skips positions at random, one in blinkEvery on average (blinks in SISR).
type blinker struct {
	g    *random
	left int32
	did  bool // it skipped a position since did was set to false
}

// blinkEvery is the mean number of positions between two that are skipped.
const blinkEvery = 100

// blink reports whether to skip the next position.
func (b *blinker) blink() bool {
	b.left--
	if b.left > 0 {
		return false
	}
	b.did = true
	b.left = 1 + int32(b.g.below(2*blinkEvery-1))
	return true
}

// log returns the logarithm of a random number above 0 and at most 1.
func (g *random) log() float64 { return math.Log(1 - g.unit()) }
