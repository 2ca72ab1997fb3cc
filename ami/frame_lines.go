package ami

import (
	"encoding/binary"
	"math/bits"
)

// appendLines appends where in b[from:] lines end: the places of line feeds after a carriage return. It
// looks at 64 bytes at once, as searching for one line feed after the other takes more time than all else
// that is done with events.
func appendLines(lines []int32, b []byte, from int) []int32 {
	i := from
	for ; i+64 <= len(b); i += 64 {
		block := (*[64]byte)(b[i:])
		found := lineFeeds(binary.LittleEndian.Uint64(block[0:8])) | lineFeeds(binary.LittleEndian.Uint64(block[8:16]))<<8 |
			lineFeeds(binary.LittleEndian.Uint64(block[16:24]))<<16 | lineFeeds(binary.LittleEndian.Uint64(block[24:32]))<<24 |
			lineFeeds(binary.LittleEndian.Uint64(block[32:40]))<<32 | lineFeeds(binary.LittleEndian.Uint64(block[40:48]))<<40 |
			lineFeeds(binary.LittleEndian.Uint64(block[48:56]))<<48 | lineFeeds(binary.LittleEndian.Uint64(block[56:64]))<<56
		for ; found != 0; found &= found - 1 {
			at := i + bits.TrailingZeros64(found)
			if at > 0 && b[at-1] == '\r' {
				lines = append(lines, int32(at))
			}
		}
	}
	for ; i < len(b); i++ {
		if b[i] == '\n' && i > 0 && b[i-1] == '\r' {
			lines = append(lines, int32(i))
		}
	}
	return lines
}

// lineFeeds gives a bit for each of eight bytes: whether it is a line feed.
func lineFeeds(word uint64) uint64 {
	const (
		every = 0x0101010101010101
		low   = 0x7f * every
	)
	word ^= '\n' * every
	// The high bit of each byte that is zero now.
	zero := ^((word&low + low) | word | low)
	return zero >> 7 * 0x0102040810204080 >> 56
}
